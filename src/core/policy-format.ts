import * as z from 'zod';
import { credentialIdSchema, userHandleSchema } from './assertion.ts';
import { algorithms, type PinnedKey } from './passkeys.ts';

/** A person's account at a forge: who may not approve what they asked for. */
export interface Account {
  readonly provider: string;
  readonly id: string;
  readonly login: string;
}

interface Approver {
  readonly accounts: readonly Account[];
  readonly passkeys: readonly PinnedKey[];
}

export interface RelyingParty {
  readonly id: string;
  readonly origin: string;
}

/** An environment's rule as written. */
export interface WrittenRule {
  readonly approvers: readonly string[];
  readonly quorum?: number;
  readonly quorum_if_destructive?: number;
  readonly max_age_minutes?: number;
  readonly self_approval?: boolean;
  readonly rerun?: 'never' | 'same_run';
  readonly redemption?: 'required' | 'run';
  readonly require_oidc?: boolean;
  readonly required_facts?: readonly string[];
  readonly assurance?: 'signature' | 'service';
}

/** `approval-policy/v1` as written (DESIGN 3.4), so that its hash is that of the document. */
export interface Policy {
  readonly schema: 'approval-policy/v1';
  readonly relying_party: RelyingParty;
  /** By name, which is the user name at the service. */
  readonly approvers: Readonly<Record<string, Approver>>;
  readonly environments: Readonly<Record<string, WrittenRule>>;
}

/** Members of a rule that a later version will give a meaning; until then they must not look as if they guarded something. */
export const reservedRuleKeys: ReadonlySet<string> = new Set([
  'services',
  'refs',
  'workflows',
  'migration_paths',
  'no_deploys',
  'not_by_commit_authors',
  'other_commit',
  'pull_request',
  'groups',
]);

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

/** The shapes of the parts, each checked on its own so that one fault hides no other. */
export const policyParts = {
  document: z.strictObject({
    schema: z.literal('approval-policy/v1'),
    relying_party: z.unknown().optional(),
    approvers: z.unknown().optional(),
    environments: z.unknown().optional(),
  }),
  relyingParty: z.strictObject({
    id: z.string().min(1, 'must not be empty').max(253, 'is too long for a host name'),
    origin: z.string().min(1, 'must not be empty').max(300, 'is too long'),
  }) satisfies z.ZodType<RelyingParty>,
  name,
  approver: z.strictObject({
    accounts: z.array(z.unknown()),
    passkeys: z.array(z.unknown()).min(1, 'must name at least one passkey'),
  }),
  account: z.strictObject({
    provider: identifier,
    id: identifier,
    login: identifier,
  }) satisfies z.ZodType<Account>,
  passkey: z.strictObject({
    id: credentialIdSchema,
    algorithm: z.enum(algorithms),
    public_key: z.string().min(1, 'must not be empty').max(4096, 'is too long'),
    user_handle: userHandleSchema.exactOptional(),
  }) satisfies z.ZodType<PinnedKey>,
  rule: z.strictObject({
    approvers: z.array(name).min(1, 'must name at least one approver'),
    quorum: count.exactOptional(),
    quorum_if_destructive: count.exactOptional(),
    max_age_minutes: count.exactOptional(),
    self_approval: z.boolean().exactOptional(),
    rerun: z.enum(['never', 'same_run']).exactOptional(),
    redemption: z.enum(['required', 'run']).exactOptional(),
    require_oidc: z.boolean().exactOptional(),
    required_facts: z.array(z.enum(optionalFacts)).exactOptional(),
    assurance: z.enum(['signature', 'service']).exactOptional(),
  }) satisfies z.ZodType<WrittenRule>,
};
