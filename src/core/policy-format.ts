import * as z from 'zod';
import { credentialIdSchema, userHandleSchema } from './assertion.ts';
import { text, time } from './fact-rules.ts';
import { globProblem } from './glob.ts';
import { algorithms, type PinnedKey } from './passkeys.ts';

/** A person's account at a forge: who may not approve what they asked for or wrote. */
export interface Account {
  readonly provider: string;
  readonly id: string;
  readonly login: string;
  /** The addresses under which they commit. */
  readonly emails?: readonly string[];
}

interface Approver {
  readonly accounts: readonly Account[];
  readonly passkeys: readonly PinnedKey[];
}

export interface RelyingParty {
  readonly id: string;
  readonly origin: string;
}

/** Whose tokens say what a job is. */
export interface Issuer {
  readonly provider: 'github' | 'gitlab';
  readonly issuer: string;
}

/** Some of a rule's approvers, of whom so many have to be among those who approve. */
export interface Group {
  readonly people: readonly string[];
  readonly quorum?: number;
  readonly quorum_if_destructive?: number;
}

/** A time in which nothing is deployed: from its first moment to before its last. */
interface NoDeploys {
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

/** What a rule says of a deploy, as written; a service's members stand in place of its environment's. */
export interface WrittenServiceRule {
  readonly approvers?: readonly string[];
  readonly quorum?: number;
  readonly quorum_if_destructive?: number;
  readonly groups?: Readonly<Record<string, Group>>;
  readonly max_age_minutes?: number;
  readonly self_approval?: boolean;
  readonly not_by_commit_authors?: boolean;
  readonly rerun?: 'never' | 'same_run';
  readonly redemption?: 'required' | 'run';
  readonly require_oidc?: boolean;
  readonly required_facts?: readonly string[];
  readonly migration_paths?: readonly string[];
  readonly refs?: readonly string[];
  readonly workflows?: readonly string[];
  readonly triggers?: readonly string[];
  readonly runners?: readonly string[];
  readonly other_commit?: boolean;
  readonly pull_request?: boolean;
  readonly no_deploys?: readonly NoDeploys[];
  readonly assurance?: 'signature' | 'service';
}

/** An environment's rule as written. */
export interface WrittenRule extends WrittenServiceRule {
  readonly approvers: readonly string[];
  /** Where given, the only services that may be deployed there. */
  readonly services?: Readonly<Record<string, WrittenServiceRule>>;
}

/** `approval-policy/v1` as written (DESIGN 3.4), so that its hash is that of the document. */
export interface Policy {
  readonly schema: 'approval-policy/v1';
  readonly relying_party: RelyingParty;
  /** In place of the public ones of GitHub and GitLab. */
  readonly issuers?: readonly Issuer[];
  /** By name, which is the user name at the service. */
  readonly approvers: Readonly<Record<string, Approver>>;
  readonly environments: Readonly<Record<string, WrittenRule>>;
}

/** Facts that a payload may leave out, which a rule can ask for by `required_facts`. */
const optionalFacts = [
  'repository_id',
  'server',
  'workflow',
  'workflow_sha',
  'region',
  'account',
  'tenant',
  'cluster',
  'digest',
  'rollback.note',
] as const;

const count = z.int('must be a whole number').min(1, 'must be at least 1');
const name = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/,
    'must be a user name: letters, digits and . _ @ + -, at most 128',
  );
const identifier = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._:@/+[\]-]{0,254}$/, 'must be an identifier without blanks');
const email = z
  .string()
  .max(254, 'is too long for an address')
  .regex(/^[!-?A-~]+@[!-?A-~]+$/, 'must be an e-mail address without a name and blanks');
const trigger = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,99}$/, 'must be the name of an event, such as push');
const glob = z
  .string()
  .min(1, 'must not be empty')
  .max(255, 'is too long')
  .check((context) => {
    const message = globProblem(context.value);
    if (message !== undefined) {
      context.issues.push({ code: 'custom', message, input: context.value });
    }
  });

/** A list that guards only if it names something: an empty one would allow nothing, or all, depending on who reads it. */
function listOf<S extends z.ZodType>(item: S) {
  return z.array(item).min(1, 'must not be empty; leave it out instead');
}

const ruleMembers = {
  approvers: z.array(name).min(1, 'must name at least one approver'),
  quorum: count.exactOptional(),
  quorum_if_destructive: count.exactOptional(),
  groups: z.record(z.string(), z.unknown()).exactOptional(),
  max_age_minutes: count.exactOptional(),
  self_approval: z.boolean().exactOptional(),
  not_by_commit_authors: z.boolean().exactOptional(),
  rerun: z.enum(['never', 'same_run']).exactOptional(),
  redemption: z.enum(['required', 'run']).exactOptional(),
  require_oidc: z.boolean().exactOptional(),
  required_facts: z.array(z.enum(optionalFacts)).exactOptional(),
  migration_paths: listOf(glob).exactOptional(),
  refs: listOf(
    glob.regex(/^refs\//, 'must begin with refs/, as full refs do: refs/heads/main'),
  ).exactOptional(),
  workflows: listOf(glob).exactOptional(),
  triggers: listOf(trigger).exactOptional(),
  runners: listOf(z.enum(['github-hosted', 'gitlab-hosted', 'self-hosted'])).exactOptional(),
  other_commit: z.boolean().exactOptional(),
  pull_request: z.boolean().exactOptional(),
  no_deploys: listOf(z.strictObject({ from: time, to: time, reason: text })).exactOptional(),
  assurance: z.enum(['signature', 'service']).exactOptional(),
};

/** The shapes of the parts, each checked on its own so that one fault hides no other. */
export const policyParts = {
  document: z.strictObject({
    schema: z.literal('approval-policy/v1'),
    relying_party: z.unknown().optional(),
    issuers: listOf(z.unknown()).exactOptional(),
    approvers: z.unknown().optional(),
    environments: z.unknown().optional(),
  }),
  relyingParty: z.strictObject({
    id: z.string().min(1, 'must not be empty').max(253, 'is too long for a host name'),
    origin: z.string().min(1, 'must not be empty').max(300, 'is too long'),
  }) satisfies z.ZodType<RelyingParty>,
  issuer: z.strictObject({
    provider: z.enum(['github', 'gitlab']),
    issuer: z.string().min(1, 'must not be empty').max(300, 'is too long'),
  }) satisfies z.ZodType<Issuer>,
  name,
  approver: z.strictObject({
    accounts: z.array(z.unknown()),
    passkeys: z.array(z.unknown()).min(1, 'must name at least one passkey'),
  }),
  account: z.strictObject({
    provider: identifier,
    id: identifier,
    login: identifier,
    emails: listOf(email).exactOptional(),
  }) satisfies z.ZodType<Account>,
  passkey: z.strictObject({
    id: credentialIdSchema,
    algorithm: z.enum(algorithms),
    public_key: z.string().min(1, 'must not be empty').max(4096, 'is too long'),
    user_handle: userHandleSchema.exactOptional(),
  }) satisfies z.ZodType<PinnedKey>,
  rule: z.strictObject({
    ...ruleMembers,
    services: z.record(z.string(), z.unknown()).exactOptional(),
  }),
  serviceRule: z.strictObject({ ...ruleMembers, approvers: ruleMembers.approvers.exactOptional() }),
  group: z.strictObject({
    people: z.array(name).min(1, 'must name at least one person'),
    quorum: count.exactOptional(),
    quorum_if_destructive: count.exactOptional(),
  }) satisfies z.ZodType<Group>,
};
