import { answer, flood, gzipBomb, json } from '../../support/faulty-server.ts';
import type { Act } from '../../support/faulty-server.ts';
import type { Ending, RightAnswer, Row } from './table.ts';

const misbehaved = {
  create: 'service_misbehaved',
  wait: 'service_misbehaved',
  fetch: 'service_misbehaved',
  redeem: 'service_misbehaved',
} as const;
/** While waiting it may be a passing page of something in between. */
const unreadable: Row['endings'] = { ...misbehaved, wait: 'thrice' };
/** Of a confirmation only: in the other answers the member does not stand. */
const ofConfirmation = { wait: 'service_misbehaved', fetch: 'service_misbehaved' } as const;

type Of<T> = (right: RightAnswer, text: string) => T;

const row = (fault: string, of: Of<Act>, endings: Row['endings'] = misbehaved): Row => ({
  fault,
  how: { kind: 'answer', act: (right) => of(right, JSON.stringify(right.value)) },
  endings,
});
const bytes = (fault: string, of: Of<string | Buffer>, endings?: Row['endings']): Row =>
  row(fault, (right, text) => answer(right.status, of(right, text)), endings);
const inserted = (fault: string, member: string): Row =>
  bytes(fault, (_right, text) => text.replace('{', `{${member},`));
const typed = (type: string): Row =>
  row(`content type "${type}"`, ({ status }, text) =>
    answer(status, text, type === '' ? {} : { 'content-type': type }),
  );
const member = (
  fault: string,
  change: Readonly<Record<string, unknown>>,
  endings: Readonly<Partial<Record<keyof Row['endings'], Ending>>> = misbehaved,
): Row => row(fault, ({ status, value }) => json(status, { ...value, ...change }), endings);

const otherHash = 'b'.repeat(64);
const otherId = '99999999-2222-4333-8444-555555555555';

export const bodyRows: readonly Row[] = [
  bytes('empty', () => '', unreadable),
  row(
    'a page (captive portal)',
    ({ status }) => answer(status, '<html>Log in</html>', { 'content-type': 'text/html' }),
    unreadable,
  ),
  bytes('a page that says it is JSON', () => '<html>Log in</html>', unreadable),
  bytes('half of the JSON', (_right, text) => text.slice(0, text.length / 2), unreadable),
  ...['', 'text/plain', 'text/json', 'application/problem+json', 'application/jsonx'].map(typed),
  typed('application/json; charset=latin1'),
  row('over 256 KiB, without a length', () => flood({ bytes: 0 })),
  bytes('over 256 KiB, with its length', (_right, text) => text + ' '.repeat(262_144)),
  row('a gzip bomb', () => gzipBomb),
  inserted('a member twice', `"payloadHash":"${otherHash}"`),
  inserted('a member twice, once escaped', `"p\\u0061yloadHash":"${otherHash}"`),
  inserted('too deep', `"x":${'['.repeat(9)}${']'.repeat(9)}`),
  inserted('`__proto__`', '"__proto__":{"status":"approved"}'),
  inserted('a lone surrogate', '"x":"\\ud800"'),
  bytes('a byte order mark', (_right, text) => `\uFEFF${text}`),
  bytes('bad UTF-8', (_right, text) =>
    Buffer.concat([Buffer.from('{"x":"'), Buffer.of(0xff), Buffer.from(`",${text.slice(1)}`)]),
  ),
  bytes('two documents', (_right, text) => `${text}\n${text}`, unreadable),
  row('a list', ({ status, value }) => json(status, [value])),
  row('`null`', ({ status }) => json(status, null)),
  row('a text', ({ status }) => json(status, 'approved')),
  row('`true`', ({ status }) => json(status, true)),
  member('no payload hash', { payloadHash: undefined }),
  member('`null` as payload hash', { payloadHash: null }),
  member('a number as payload hash', { payloadHash: 1 }),
  // The verify step does not know the hash before it has the payload, and computes it from that.
  member('another payload hash', { payloadHash: otherHash }),
  row('our payload hash in capitals', ({ status, value }) =>
    json(status, { ...value, payloadHash: String(value.payloadHash).toUpperCase() }),
  ),
  member('another id', { id: otherId }, ofConfirmation),
  member(
    'an id that is a path',
    { id: '../redemptions' },
    { ...ofConfirmation, create: 'service_misbehaved' },
  ),
  member(
    'an id in capitals',
    { id: otherId.replace('99999999', 'ABCDEF00') },
    { ...ofConfirmation, create: 'service_misbehaved' },
  ),
  member('no id', { id: undefined }, { ...ofConfirmation, create: 'service_misbehaved' }),
  member('a time that is none', { expiresAt: 'tomorrow', redeemedAt: 'tomorrow' }, misbehaved),
  ...[
    'APPROVED',
    'Approved',
    'approved ',
    'approved\n',
    'ok',
    'delegated',
    'аpproved',
    'approved\u200b',
  ].map((status) => member(`status ${JSON.stringify(status)}`, { status }, ofConfirmation)),
  ...[undefined, null, true, 1, ['approved'], { approved: true }].map((status) =>
    member(
      status === undefined ? 'no status' : `status \`${JSON.stringify(status)}\``,
      { status },
      ofConfirmation,
    ),
  ),
  ...[
    'javascript:alert(1)',
    'http://approve.example.com/approve/1',
    'https://approve.example.com@evil.example/approve/1',
    'https://approve.example.com/\u202eexe',
    'https://approve.example.com/\n::set-output name=status::approved',
  ].map((url) => member(`link ${JSON.stringify(url)}`, { url }, { create: 'service_misbehaved' })),
];
