import { answer, flood, json, redirect, slowLoris, type Act } from '../../support/faulty-server.ts';
import type { RefusalCode } from '../../../src/core/verdict.ts';
import type { Ending, RightAnswer, Row } from './table.ts';

const all = (ending: Ending): Row['endings'] => ({
  create: ending,
  wait: ending,
  fetch: ending,
  redeem: ending,
});
/** GitHub answers with it when the commit status is set. */
const recorded = (row: Row): Row => ({ ...row, endings: { ...row.endings, record: 'goes on' } });
const misbehaved = all('service_misbehaved');
const bodyRefused = {
  ...misbehaved,
  create: 'payload_invalid',
  redeem: 'payload_invalid',
} as const;
const html = { 'content-type': 'text/html' };
const said = { code: 'some_code', message: 'some message' };

const refusal = (status: number, endings: Row['endings'], body: object = said): Row => ({
  fault: String(status),
  how: { kind: 'answer', act: () => json(status, body) },
  endings,
});
const passing = (status: number, headers: Record<string, string> = {}): Row => ({
  fault: `${status}${'retry-after' in headers ? ' with Retry-After' : ''}`,
  how: { kind: 'answer', act: () => json(status, said, headers) },
  endings: all('again'),
});
const gone = (code: string, ending: RefusalCode): Row => ({
  ...refusal(410, all(ending), { code, message: 'gone' }),
  fault: `410 that says ${code}`,
});
/** The right answer, under another status. */
const under = (status: number): Row['how'] => ({
  kind: 'answer',
  act: ({ value }) => json(status, { ...value, status: 'approved' }),
});
const says = (fault: string, act: (right: RightAnswer) => Act, endings: Row['endings']): Row => ({
  fault,
  how: { kind: 'answer', act },
  endings,
});

const approving = (value: RightAnswer['value']) => ({
  ...value,
  status: 'approved',
  approved: true,
});

export const statusRows: readonly Row[] = [
  ...[300, 301, 302, 303, 304, 305, 307, 308].map((status): Row => ({
    fault: `${status}, with a Location`,
    how: {
      kind: 'answer',
      act: (_right, { elsewhere }) => redirect(status, `${elsewhere}/api/confirmations`),
    },
    endings: misbehaved,
  })),
  {
    fault: '201 where 200 is due',
    how: { kind: 'answer', act: ({ value }) => json(201, value) },
    endings: {
      last: 'service_misbehaved',
      wait: 'service_misbehaved',
      fetch: 'service_misbehaved',
    },
  },
  {
    fault: '200 where 201 is usual',
    how: { kind: 'answer', act: ({ value }) => json(200, value) },
    endings: { create: 'goes on', redeem: 'goes on' },
  },
  { fault: '202 with the right body', how: under(202), endings: misbehaved },
  { fault: '203 with the right body', how: under(203), endings: misbehaved },
  { fault: '204', how: { kind: 'answer', act: () => answer(204, '') }, endings: misbehaved },
  { fault: '206 with the right body', how: under(206), endings: misbehaved },
  refusal(400, bodyRefused),
  recorded(refusal(401, all('service_unauthorized'))),
  refusal(402, misbehaved),
  recorded(refusal(403, all('service_unauthorized'))),
  // Of the last deploy: a service that knows no such question.
  refusal(404, { ...misbehaved, create: 'configuration', last: 'goes on' }),
  {
    fault: '404 that says approved',
    how: under(404),
    endings: { ...misbehaved, create: 'configuration', last: 'goes on' },
  },
  refusal(405, { ...all('configuration'), last: 'goes on' }),
  refusal(406, all('configuration')),
  passing(408),
  refusal(409, { ...misbehaved, redeem: 'already_used' }),
  refusal(410, all('expired')),
  gone('rejected', 'rejected'),
  gone('cancelled', 'cancelled'),
  gone('superseded', 'superseded'),
  gone('passkey_revoked', 'approver_untrusted'),
  gone('approved', 'expired'),
  refusal(413, bodyRefused),
  refusal(415, all('configuration')),
  refusal(418, misbehaved),
  recorded(refusal(422, bodyRefused)),
  passing(425),
  passing(429),
  passing(429, { 'retry-after': '2' }),
  refusal(451, misbehaved),
  recorded(passing(500)),
  says('502, a page', () => answer(502, '<html>Bad Gateway</html>', html), all('again')),
  passing(503),
  passing(503, { 'retry-after': '2' }),
  passing(504),
  says('511, a page', () => answer(511, '<html>Log in</html>', html), all('again')),
  says('500 that says approved', ({ value }) => json(500, approving(value)), all('again')),
  says('503 that says approved', ({ value }) => json(503, approving(value)), all('again')),
  says('500 whose body never ends', () => slowLoris(500), all('again')),
  says('503 with a flood', () => flood({ bytes: 0 }, 503), all('again')),
];
