import type { RefusalCode } from '../core/verdict.ts';

/** What the gate is doing when it talks to the service; the same answer means another thing in each. */
export type Phase = 'create' | 'wait' | 'fetch' | 'redeem';

export const phaseWords: Readonly<Record<Phase, string>> = {
  create: 'Creating the approval request',
  wait: 'Waiting for the decision',
  fetch: 'Fetching the approval',
  redeem: 'Redeeming the approval',
};

/** The statuses of a good answer. */
const good: Readonly<Record<Phase, readonly number[]>> = {
  create: [200, 201],
  wait: [200],
  fetch: [200],
  redeem: [200, 201],
};

type Meaning = RefusalCode | Readonly<Record<Phase, RefusalCode>>;

const rejectedBody: Meaning = {
  create: 'payload_invalid',
  wait: 'service_misbehaved',
  fetch: 'service_misbehaved',
  redeem: 'payload_invalid',
};

/** The final refusals of the service, each with its reason code in each phase. Any other is `service_misbehaved`. */
const refusals: ReadonlyMap<number, Meaning> = new Map<number, Meaning>([
  [400, rejectedBody],
  [401, 'service_unauthorized'],
  [403, 'service_unauthorized'],
  [
    404,
    {
      create: 'configuration',
      wait: 'service_misbehaved',
      fetch: 'service_misbehaved',
      redeem: 'service_misbehaved',
    },
  ],
  [405, 'configuration'],
  [406, 'configuration'],
  [407, 'service_unauthorized'],
  [
    409,
    {
      create: 'service_misbehaved',
      wait: 'service_misbehaved',
      fetch: 'service_misbehaved',
      redeem: 'already_used',
    },
  ],
  [410, 'expired'],
  [413, rejectedBody],
  [415, 'configuration'],
  [422, rejectedBody],
]);

/** May pass by itself: time-outs, too early, too many, and every fault inside the service. */
const passing: ReadonlySet<number> = new Set([408, 425, 429]);

/** What a status means in a phase: read the body, try again, or the reason code to end with at once. */
export function meaningOf(status: number, phase: Phase): 'good' | 'passing' | RefusalCode {
  if (good[phase].includes(status)) return 'good';
  if (passing.has(status) || (status >= 500 && status <= 599)) return 'passing';
  const meaning = refusals.get(status) ?? 'service_misbehaved';
  return typeof meaning === 'string' ? meaning : meaning[phase];
}

/** What to do next, by reason code. */
export function adviceFor(code: RefusalCode, phase: Phase): string {
  switch (code) {
    case 'service_unreachable':
      return phase === 'redeem'
        ? 'It is unknown whether the approval was used: look at the redemption in the service, or ask for a new approval.'
        : 'This is an outage and says nothing about the decision: check the service, DNS, proxy and certificate, then run this again.';
    case 'service_unauthorized':
      return "Check api-key: the secret of this environment, and that the key's scope covers this repository, service and environment. Where the job shows its OIDC token instead, the service must trust its issuer and list its repository.";
    case 'configuration':
      return 'Check api-url: it is the base of the approval API including /api.';
    case 'payload_invalid':
      return 'Correct the facts that it names and ask again.';
    case 'already_used':
      return 'Each deploy needs its own approval: ask for a new one. If nothing else was deployed, look at the redemption in the service.';
    case 'expired':
    case 'cancelled':
    case 'superseded':
      return 'Ask for a new approval.';
    default:
      return 'Check that api-url is right and that no login page or proxy answers in its place. Do not work around it.';
  }
}
