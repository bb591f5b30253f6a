import type { CollectedFacts } from '../collect/collect.ts';
import type { ClientDependencies } from '../client/dependencies.ts';
import { latestDeploy, type LastDeploy } from '../client/deploys.ts';
import { collectChanges, type CollectedChanges } from '../collect/changes.ts';
import { checkIdentity } from '../collect/identity.ts';
import type { Circumstances } from '../core/circumstances.ts';
import { trustedIssuers } from '../core/policy-rule.ts';
import type { Policy } from '../core/policy.ts';
import type { JobAccess } from './job-access.ts';
import { ruleBeforeChanges } from './rule.ts';

interface Surroundings {
  readonly collected: Pick<CollectedFacts, 'facts' | 'circumstances' | 'checkout'>;
  readonly policy: Policy | undefined;
  readonly assurance: 'signature' | 'service';
  /** Absent where there is nobody to ask for the last deploy: no service is set, or only the documented calls may be used. */
  readonly client: ClientDependencies | undefined;
  readonly access: JobAccess;
  readonly now: () => number;
  /** Whether what is new is put before a person; else it is looked for only where a rule asks for it. */
  readonly showChanges: boolean;
}

/** What is known of the job beside the facts, and of what changed. */
interface Learned {
  readonly circumstances: Circumstances;
  readonly lastDeploy?: LastDeploy | undefined;
  readonly changes?: CollectedChanges;
}

/**
 * All that a rule may ask about, before anything is put to a person or used up: who attests the job, whether it may deploy at
 * all, and then what is new since the last deploy. @throws Fault
 */
export async function learnCircumstances(given: Surroundings): Promise<Learned> {
  const { collected, policy, assurance, client, access, now } = given;
  const { facts } = collected;
  const issuers = trustedIssuers(policy);
  const attested = await checkIdentity({ ...collected, ...access, issuers, now });
  const job: Circumstances = { ...collected.circumstances, ...attested };
  const rule = ruleBeforeChanges({ policy, facts, assurance, circumstances: job, now: now() });
  const forMigrations = rule?.migration_paths !== undefined;
  const forAuthors = rule?.not_by_commit_authors === true;
  if (!given.showChanges && !forMigrations && !forAuthors) return { circumstances: job };
  const lastDeploy = client && (await latestDeploy(client, { facts }));
  const changes = await collectChanges({
    checkout: collected.checkout,
    env: access.env,
    commit: facts.commit,
    lastCommit: lastDeploy?.facts.commit,
    migrationPaths: rule?.migration_paths ?? [],
    needAuthors: forAuthors,
  });
  // Where no last deploy is known, nothing can be new since then.
  const { authors, newMigrations = [] } = changes;
  return {
    circumstances: {
      ...job,
      ...(lastDeploy === undefined ? {} : { last_deploy: recorded(lastDeploy) }),
      ...(forAuthors && authors !== undefined ? { commit_authors: [...authors] } : {}),
      ...(forMigrations ? { new_migrations: [...newMigrations] } : {}),
    },
    lastDeploy,
    changes,
  };
}

function recorded({ facts, payloadHash, redeemedAt }: LastDeploy) {
  return { commit: facts.commit, redeemed_at: redeemedAt, payload_hash: payloadHash };
}
