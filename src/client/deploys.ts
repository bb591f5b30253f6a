import { latestDeploySchema } from '../core/api.ts';
import { canonicalText } from '../core/canonical.ts';
import type { DeployFacts } from '../core/facts.ts';
import { sha256Hex } from '../core/hash.ts';
import { checkPayload } from '../core/payload.ts';
import { visible } from '../core/text.ts';
import { callFault, exchange, readAnswer, type Call } from './answers.ts';
import type { ClientDependencies } from './dependencies.ts';
import { withRetries } from './retry.ts';

/** How long the question may take with all its tries, and one of them. */
const allMs = 60_000;
const tryMs = 15_000;

/** The query's names of the facts that make a target. */
const targetFacts = {
  repository: 'repository',
  repositoryId: 'repository_id',
  service: 'service',
  environment: 'environment',
  region: 'region',
  account: 'account',
  tenant: 'tenant',
  cluster: 'cluster',
} as const satisfies Record<string, keyof DeployFacts>;

/** An approval that was used: that its deploy went well nobody knows here. */
export interface LastDeploy {
  readonly facts: DeployFacts;
  readonly payloadHash: string;
  /** As the service states it, RFC 3339. */
  readonly redeemedAt: string;
}

/**
 * The last redeemed deploy of the target of these facts, as the service states it; undefined where it knows none, and where it
 * knows no such question: it is no call of the documented API. What it says is a statement, no evidence.
 * @throws Fault as a fetch does, and service_misbehaved where the answer is about another target
 */
export async function latestDeploy(
  deps: ClientDependencies,
  { facts }: { readonly facts: DeployFacts },
): Promise<LastDeploy | undefined> {
  const call: Call = {
    phase: 'fetch',
    words: 'Asking for the last deploy',
    host: deps.transport.host,
    requestId: `about ${facts.service} in ${facts.environment}`,
  };
  const query = new URLSearchParams();
  for (const [name, fact] of Object.entries(targetFacts)) {
    const value = facts[fact];
    if (value !== undefined) query.set(name, value);
  }
  return withRetries(deps, { deadline: deps.now() + allMs, call }, async (remainingMs) => {
    const response = await exchange(deps.transport, call, {
      method: 'GET',
      path: `/deploys/latest?${query}`,
      timeoutMs: Math.min(tryMs, remainingMs),
      signal: deps.signal,
    });
    if (response.status === 404 || response.status === 405) return undefined;
    return stated(readAnswer(response, latestDeploySchema, call), facts, call);
  });
}

function stated(
  { payload, payloadHash, redeemedAt }: ReturnType<typeof latestDeploySchema.parse>,
  asked: DeployFacts,
  call: Call,
): LastDeploy | undefined {
  if (payload === undefined && payloadHash === undefined && redeemedAt === undefined) {
    return undefined;
  }
  if (payload === undefined || payloadHash === undefined || redeemedAt === undefined) {
    throw misbehaved(call, 'its answer has some of payload, payloadHash and redeemedAt, not all');
  }
  const checked = checkPayload(payload);
  if (!checked.ok) {
    const what = 'the payload that it answers with is not acceptable';
    throw callFault(call, 'service_misbehaved', what, checked.problems.slice(0, 20));
  }
  const hash = sha256Hex(canonicalText(checked.value));
  if (hash !== payloadHash) {
    throw misbehaved(
      call,
      `the payload that it answers with has the hash ${hash}, not ${payloadHash}`,
    );
  }
  const { facts } = checked.value;
  for (const fact of Object.values(targetFacts)) {
    // Names of repositories are given anew: with ids on both sides only these count.
    if (fact === 'repository' && asked.repository_id !== undefined) continue;
    if (facts[fact] === asked[fact]) continue;
    const [theirs, ours] = [facts[fact], asked[fact]].map((value) => visible(value ?? 'none'));
    throw misbehaved(call, `it answers with a deploy whose ${fact} is ${theirs}, not ${ours}`);
  }
  return { facts, payloadHash, redeemedAt };
}

function misbehaved(call: Call, what: string): Error {
  return callFault(call, 'service_misbehaved', what);
}
