import type { RedemptionBody } from '../core/api.ts';
import type { DeployFacts } from '../core/facts.ts';
import { listProblems } from '../core/fault.ts';
import { attestedFacts, attestedPaths, identityProblems, jobClaims } from '../core/identity.ts';
import { visible } from '../core/text.ts';
import type { Problem } from '../core/verdict.ts';
import type { CallerToken, Requester } from './callers.ts';
import type { Attested, StoredFacts } from './confirmation-rows.ts';
import { Refusal } from './refusal.ts';

const names = { github: 'GitHub', gitlab: 'GitLab' } as const;

/**
 * What the token of the asking job says of the facts it asks about; nothing where a key asks.
 * @throws Refusal 422 where it says something else
 */
export function attestationOf(
  { token }: Requester,
  facts: DeployFacts | undefined,
): Attested | undefined {
  if (token === undefined || facts === undefined) return undefined;
  const { provider, issuer } = token.issuer;
  // Another commit than the event's is for the policy to allow: here it is only not attested.
  const problems = identityProblems(provider, token.claims, facts, { otherCommit: true });
  if (problems.length > 0) throw mismatch(problems);
  const jobWorkflowRef = jobClaims(provider, token.claims).job_workflow_ref;
  return {
    by: names[provider],
    issuer,
    fields: [...attestedPaths(provider, token.claims, facts)],
    ...(typeof jobWorkflowRef === 'string' ? { jobWorkflowRef } : {}),
  };
}

/** That the job which redeems is the one it says it is, in the environment that was approved. @throws Refusal 422 */
export function checkRedeemingJob(
  token: CallerToken,
  facts: StoredFacts,
  { runId, runAttempt }: RedemptionBody,
): void {
  const attested = attestedFacts(token.issuer.provider, token.claims);
  const claimed = [
    ['environment', facts.environment, true],
    ['runId', runId, true],
    // GitLab has no attempts.
    ['runAttempt', runAttempt, attested.has('run_attempt')],
  ] as const;
  const said = {
    environment: attested.get('environment'),
    runId: attested.get('run_id'),
    runAttempt: attested.get('run_attempt'),
  };
  const problems = claimed
    .filter(([field, value, isSaid]) => isSaid && said[field] !== value)
    .map(([field, value]) => ({
      field,
      message: `is "${visible(value)}", but the token of this job says ${visible(said[field] ?? 'nothing of it')}`,
    }));
  if (problems.length > 0) throw mismatch(problems);
}

function mismatch(problems: readonly Problem[]): Refusal {
  return new Refusal(
    422,
    'identity_mismatch',
    `The token of this job says something else:\n${listProblems(problems)}`,
    { problems },
  );
}
