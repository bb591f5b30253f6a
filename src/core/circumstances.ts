import * as z from 'zod';
import { identifiers } from './fact-rules.ts';

const name = z.string().min(1, 'must not be empty').max(255, 'is too long');
/** What a commit says of its author: any text, none too. */
const words = z.string().max(1_000, 'is too long');
const maxEntries = 1_000;

/** The shape of {@link Circumstances}. */
export const circumstancesSchema = z.strictObject({
  provider: z.enum(['github', 'gitlab', 'local']),
  trigger: name.exactOptional(),
  runner: name.exactOptional(),
  event_commit: identifiers.commit.exactOptional(),
  identity: z
    .strictObject({
      issuer: name,
      /** Paths of the facts that the token says too, such as `environment` and `actor.id`. */
      attested: z.array(name).max(100),
      /** The file that holds the job, `acme/shop/.github/workflows/deploy.yml@refs/heads/main`. */
      job_workflow_ref: identifiers.workflow.exactOptional(),
    })
    .exactOptional(),
  last_deploy: z
    .strictObject({
      commit: identifiers.commit,
      redeemed_at: name,
      payload_hash: identifiers.sha256,
    })
    .exactOptional(),
  commit_authors: z
    .array(z.strictObject({ name: words, email: words }))
    .max(maxEntries)
    .exactOptional(),
  new_migrations: z.array(identifiers.migrationPath).max(maxEntries).exactOptional(),
});

/**
 * What a gate knows of the job beside the facts: nobody signs it, the rules of the policy are held to it. What is absent is not
 * known, and a rule that asks for it refuses.
 *
 * - `provider`: whose job this is. `trigger`: the event that started the run, in the provider's words. `runner`: `github-hosted`,
 *   `gitlab-hosted` or `self-hosted`.
 * - `event_commit`: the commit of the event, which may differ from the deployed one.
 * - `identity`: what the issuer's token attests, once its signature was checked.
 * - `last_deploy`: the last redeemed deploy of the same target, if the service knows one.
 * - `commit_authors`: distinct authors of the commits since then. `new_migrations`: files that match the rule's
 *   `migration_paths` and were added or changed since then.
 */
export type Circumstances = z.infer<typeof circumstancesSchema>;
