import type { CollectedFacts } from '../collect/collect.ts';
import type { ClientDependencies } from '../client/dependencies.ts';
import { latestDeploy, type LastDeploy } from '../client/deploys.ts';
import type { Circumstances } from '../core/circumstances.ts';
import type { Policy } from '../core/policy.ts';
import { ruleBeforeChanges } from './rule.ts';

interface Surroundings {
  readonly collected: Pick<CollectedFacts, 'facts' | 'circumstances'>;
  readonly policy: Policy | undefined;
  readonly assurance: 'signature' | 'service';
  /** Absent where no service is set. */
  readonly client: ClientDependencies | undefined;
  readonly now: number;
}

/** What is known of the job beside the facts, and of what changed. */
interface Learned {
  readonly circumstances: Circumstances;
  readonly lastDeploy: LastDeploy | undefined;
}

/**
 * All that a rule may ask about, before anything is put to a person or used up: who attests the job, whether it may deploy at
 * all, and then what is new since the last deploy. @throws Fault
 */
export async function learnCircumstances(given: Surroundings): Promise<Learned> {
  const { collected, policy, assurance, client, now } = given;
  const { facts } = collected;
  const job: Circumstances = collected.circumstances;
  ruleBeforeChanges({ policy, facts, assurance, circumstances: job, now });
  const lastDeploy = client && (await latestDeploy(client, { facts }));
  return {
    circumstances: {
      ...job,
      ...(lastDeploy === undefined ? {} : { last_deploy: recorded(lastDeploy) }),
    },
    lastDeploy,
  };
}

function recorded({ facts, payloadHash, redeemedAt }: LastDeploy) {
  return { commit: facts.commit, redeemed_at: redeemedAt, payload_hash: payloadHash };
}
