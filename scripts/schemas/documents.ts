import * as z from 'zod';
import { identifiers } from '../../src/core/fact-rules.ts';
import { deployFactsSchema } from '../../src/core/facts.ts';
import { payloadSchema } from '../../src/core/payload.ts';
import { policyParts } from '../../src/core/policy-format.ts';
import { recordSchema } from '../../src/core/record.ts';
import { verdictSchema } from '../../src/core/verdict.ts';

/** One of our documents: its shape, and what a JSON Schema can't say of it. */
export interface DocumentSchema {
  /** As the document's own member `schema` says it. */
  readonly name: string;
  readonly title: string;
  /** Ends each schema's description. */
  readonly beyond: readonly string[];
  readonly schema: z.ZodType;
}

const noSecrets = "No string may look like a secret's value, whatever member it stands in.";
const betweenFacts = [
  'rollback.value must not be the commit, nor an abbreviation of it of 7 or more digits.',
  'migration.files must not name a path twice; their order counts.',
  'A migration of kind "other" must be destructive; one that is not destructive has no statements.',
  'Free text must be in Unicode normalization form NFC and hold no character of the classes Cc, Cf, Cs, Co, Z (but the space), no default ignorable code point, no noncharacter and no U+2800.',
  noSecrets,
];

/**
 * The policy is checked part by part (core/policy.ts), so that one fault hides no other; here the parts are put together.
 * A member of a table that a schema for its names does not allow is refused.
 */
const groups = z
  .record(policyParts.name, policyParts.group)
  .meta({ minProperties: 1 })
  .exactOptional();
const services = z
  .record(identifiers.service, policyParts.serviceRule.extend({ groups }))
  .meta({ minProperties: 1 })
  .exactOptional();
const policySchema = policyParts.document.extend({
  relying_party: policyParts.relyingParty,
  issuers: z.array(policyParts.issuer).min(1).exactOptional(),
  approvers: z
    .record(
      policyParts.name,
      policyParts.approver.extend({
        accounts: z.array(policyParts.account),
        passkeys: z.array(policyParts.passkey).min(1),
      }),
    )
    .meta({ minProperties: 1 }),
  environments: z
    .record(identifiers.environment, policyParts.rule.extend({ groups, services }))
    .meta({ minProperties: 1 }),
});

export const documentSchemas: readonly DocumentSchema[] = [
  {
    name: 'deploy-facts/v1',
    title: 'What is about to run',
    beyond: betweenFacts,
    schema: deployFactsSchema,
  },
  {
    name: 'deploy-approval/v1',
    title: 'What is signed: the payload',
    beyond: [
      'expires_at must be later than requested_at, and both must be in the calendar.',
      'Its RFC 8785 form has at most 65536 bytes of UTF-8.',
      ...betweenFacts.map((rule) => rule.replace(/^(rollback|migration)\./, 'facts.$1.')),
    ],
    schema: payloadSchema,
  },
  {
    name: 'approval-record/v1',
    title: 'Payload and evidence',
    beyond: [
      'payload is the text that was signed: a deploy-approval/v1 document in its own RFC 8785 form.',
      'payload_hash is the SHA-256 of that text in UTF-8.',
      'No two decisions have the same id, and every time is in the calendar.',
      'A record that fits this schema is no approval yet: that takes the checks of docs/PROTOCOL.md.',
    ],
    schema: recordSchema,
  },
  {
    name: 'approval-policy/v1',
    title: 'Who may approve what, and with which keys',
    beyond: [
      'relying_party.origin is https, or http on localhost, and relying_party.id is its host or a domain that it lies in.',
      'Credential ids, public keys and accounts are unique over all people; a user handle belongs to one person.',
      'public_key is SubjectPublicKeyInfo in DER and fits its algorithm: P-256 with an uncompressed point, Ed25519, or RSA of at least 2048 bits.',
      'A rule names people of this policy, each once; a quorum is no larger than their number, and quorum_if_destructive no smaller than quorum.',
      "The people of a group are among the rule's approvers, each once, and its quorums fit their number.",
      'Who is named in a rule without self_approval needs an account; with not_by_commit_authors, one with emails.',
      'An address belongs to one person, without regard to case.',
      'A rule with quorum_if_destructive, or a group of it, names migration_paths; triggers name pull_request only with pull_request: true.',
      'Globs are clean relative paths in which *, ? and, as a whole name, ** have a meaning, and [ ] { } ( ) ! and \\ do not stand.',
      'In no_deploys, to is later than from, and both are in the calendar.',
      'An issuer is https, or http on localhost, without a slash at the end, and stands once.',
      "All this holds for each service too, with its members in place of its environment's.",
    ],
    schema: policySchema,
  },
  {
    name: 'verdict/v1',
    title: 'What the gate concludes',
    beyond: [
      'exit_code is the one of reason_code (docs/PROTOCOL.md), and 0 for approved alone.',
      'A verdict is a report: nothing may be deployed because a document says approved.',
    ],
    schema: verdictSchema,
  },
];
