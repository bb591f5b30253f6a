import { visible } from '../core/text.ts';
import type { Requester } from './callers.ts';
import type { Context } from './context.ts';
import { Refusal } from './refusal.ts';

const minuteMs = 60_000;

/** Requests within a minute (threat 30): who is asked without end presses "approve" in the end. */
const limits = {
  /** To one person from one scope; half of the next, so that no single one can use it up for the others. */
  personAndScope: 60,
  /** To one person from everybody. */
  person: 120,
  /** By one key, or by the jobs of one repository, to all people together: what one of them may fill the store with. */
  requester: 300,
} as const;

/** @throws Refusal 429 that says which limit it is */
export function checkPace(context: Context, requester: Requester, username: string): void {
  const since = context.now() - minuteMs;
  const toPerson = context.store.get(
    `select count(*) as n, sum(case when scope = $3 then 1 else 0 end) as of_scope
      from confirmations where username = $1 and created_at > $2`,
    username,
    since,
    requester.scopeText,
  );
  const byRequester = context.store.get(
    'select count(*) as n from confirmations where requester = $1 and created_at > $2',
    requester.id,
    since,
  );
  const who = visible(username);
  refuseFrom(limits.personAndScope, toPerson?.of_scope, `${who} was asked by this scope`);
  refuseFrom(limits.person, toPerson?.n, `${who} was asked by all together`);
  const caller = requester.token === undefined ? 'This key' : 'This repository';
  refuseFrom(limits.requester, byRequester?.n, `${caller} has asked`);
}

function refuseFrom(limit: number, count: unknown, what: string): void {
  if (Number(count) < limit) return;
  throw new Refusal(
    429,
    'too_many',
    `${what} ${limit} times within a minute. Wait, and ask for less.`,
  );
}
