import type { Objection } from './objection.ts';
import type { ApprovalPayload } from './payload.ts';
import type { Decision } from './record.ts';
import { visible } from './text.ts';
import { formatTime, parseTime } from './time.ts';

/** How far the clocks of requester, service and verifier may be apart. */
const allowanceMs = 60_000;

/**
 * Step 12 of DESIGN 5: every time that is not right. Each comparison is written so that anything that is no number refuses.
 * @param now epoch milliseconds, by the verifier's clock, or the time that an auditor asks about
 * @param maxAgeMinutes the policy's longest validity; undefined without a policy
 */
export function* timeObjections({
  payload,
  decisions,
  now,
  maxAgeMinutes,
}: {
  readonly payload: ApprovalPayload;
  readonly decisions: readonly Decision[];
  readonly now: number;
  readonly maxAgeMinutes: number | undefined;
}): Generator<Objection> {
  const requestedAt = parseTime(payload.requested_at);
  const expiresAt = parseTime(payload.expires_at);
  for (const { approver, decided_at } of decisions) {
    const decidedAt = parseTime(decided_at);
    const decided = `The service says that ${visible(approver)} decided at ${decided_at}`;
    if (!(decidedAt >= requestedAt - allowanceMs)) {
      yield {
        code: 'evidence_invalid',
        message: `${decided}, which is before the request of ${payload.requested_at}.`,
        advice:
          'Compare the clocks of this machine and of the service, then ask for a new approval.',
      };
    }
    if (!(decidedAt <= now + allowanceMs)) {
      yield {
        code: 'evidence_invalid',
        message: `${decided}, which is still to come: the clock says ${clock(now)}.`,
        advice: 'Compare the two clocks, then ask for a new approval.',
      };
    }
    if (!(decidedAt < expiresAt)) {
      yield {
        code: 'expired',
        message: `${decided}, but the request could be approved only until ${payload.expires_at}.`,
        advice: 'Ask for a new approval.',
      };
    }
  }
  if (!(requestedAt <= now + allowanceMs)) {
    yield {
      code: 'expired',
      message: `This approval is not valid yet: it begins at ${payload.requested_at}, and the clock says ${clock(now)}.`,
      advice: 'Set the clock, then run this step again.',
    };
  }
  if (!(now < expiresAt)) {
    yield {
      code: 'expired',
      message: `This approval could be deployed until ${payload.expires_at}, and the clock says ${clock(now)}.`,
      advice: 'Ask for a new approval.',
    };
  }
  const minutes = (expiresAt - requestedAt) / 60_000;
  if (maxAgeMinutes !== undefined && !(minutes <= maxAgeMinutes)) {
    yield {
      code: 'payload_invalid',
      message: `This approval was asked for with a validity of ${minutes} minutes; the policy allows ${maxAgeMinutes} (max_age_minutes).`,
      advice: 'Ask again with a lower valid-minutes.',
      details: {
        problems: [{ field: 'expires_at', message: `is more than ${maxAgeMinutes} minutes away` }],
      },
    };
  }
}

/** The clock for a message; one that is out of its mind has no time in our form. */
function clock(epochMs: number): string {
  const isSane = epochMs >= 0 && epochMs < Date.UTC(10_000, 0);
  return isSane ? formatTime(epochMs) : `${epochMs} ms since 1970`;
}
