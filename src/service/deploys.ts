import * as z from 'zod';
import { identifiers } from '../core/fact-rules.ts';
import { formatTime } from '../core/time.ts';
import { covers, type Requester } from './callers.ts';
import { confirmationsOfPayload, storedFacts, type Confirmation } from './confirmation-rows.ts';
import type { Context } from './context.ts';
import { notFound } from './refusal.ts';
import { targetOf } from './target.ts';

/** Closed: a misspelt `region` would ask about another target. */
export const latestDeployQuery = z.strictObject({
  repository: identifiers.repository,
  repositoryId: identifiers.id.exactOptional(),
  service: identifiers.service,
  environment: identifiers.environment,
  region: identifiers.target.exactOptional(),
  account: identifiers.target.exactOptional(),
  tenant: identifiers.target.exactOptional(),
  cluster: identifiers.target.exactOptional(),
});

/** A redeemed approval: whether the deploy then went well is not known here. */
interface Deploy extends Pick<Confirmation, 'payload' | 'payloadHash' | 'attested'> {
  /** Epoch milliseconds. */
  readonly redeemedAt: number;
}

/**
 * The last deploy of a target that was redeemed.
 * @param o.before epoch ms: the last one as a request found it
 */
export function lastDeploy(
  context: Context,
  o: { readonly target: string; readonly before?: number },
): Deploy | undefined {
  const row = context.store.get(
    `select payload_hash, redeemed_at from redemptions
      where target = $1 and redeemed_at < $2
      order by redeemed_at desc, payload_hash desc limit 1`,
    o.target,
    o.before ?? Number.MAX_SAFE_INTEGER,
  );
  if (row === undefined) return undefined;
  const [confirmation] = confirmationsOfPayload(context, String(row.payload_hash));
  return confirmation && { ...confirmation, redeemedAt: Number(row.redeemed_at) };
}

/** The answer of `GET /api/deploys/latest`, empty where there was none. @throws Refusal 404 for what the caller may not see */
export function readLatestDeploy(
  context: Context,
  requester: Requester,
  { repositoryId, ...asked }: z.infer<typeof latestDeployQuery>,
): object {
  const facts = {
    ...asked,
    ...(repositoryId === undefined ? {} : { repository_id: repositoryId }),
  };
  if (!covers(requester, facts)) throw notFound();
  const deploy = lastDeploy(context, { target: targetOf(facts) });
  if (deploy === undefined) return {};
  // A target goes by the repository's id alone, so what was found may be of another name than what was asked for.
  if (!covers(requester, storedFacts(deploy.payload), deploy.attested?.issuer)) throw notFound();
  return deployAnswer(deploy);
}

export function deployAnswer({ payload, payloadHash, redeemedAt }: Deploy): object {
  return { payload, payloadHash, redeemedAt: formatTime(redeemedAt) };
}
