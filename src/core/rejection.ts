import { isSignedRejection } from './evidence.ts';
import { sha256Hex } from './hash.ts';
import type { Objection } from './objection.ts';
import type { RuleContext } from './rule.ts';
import { visible } from './text.ts';

/** One person's no closes the gate for all, signed or not: evidence can only take away. */
export function rejectionObjection({
  policy,
  record,
}: Pick<RuleContext, 'policy' | 'record'>): Objection | undefined {
  const rejection = record.decisions.find(({ decision }) => decision === 'rejected');
  if (rejection === undefined) return undefined;
  const who = visible(rejection.approver);
  const payloadHash = sha256Hex(record.payload);
  const isSigned = policy !== undefined && isSignedRejection(rejection, { policy, payloadHash });
  const said = isSigned
    ? `${who} rejected this deploy at ${rejection.decided_at}, signed with their passkey.`
    : `The service says that ${who} rejected this deploy at ${rejection.decided_at}; no signature confirms it.`;
  return {
    code: 'rejected',
    message: said,
    advice: `Ask ${who} what has to change before you ask again.`,
  };
}
