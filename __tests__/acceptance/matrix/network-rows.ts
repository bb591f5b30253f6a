import {
  answer,
  cut,
  noHttp,
  silence,
  slowLoris,
  truncated,
  truncatedChunk,
} from '../../support/faulty-server.ts';
import type { Act } from '../../support/faulty-server.ts';
import type { BadCertificate, Row } from './table.ts';

const again = { create: 'again', wait: 'again', fetch: 'again', redeem: 'again' } as const;
const unreachable = {
  create: 'service_unreachable',
  wait: 'service_unreachable',
  fetch: 'service_unreachable',
  redeem: 'service_unreachable',
} as const;
const misbehaved = {
  create: 'service_misbehaved',
  wait: 'service_misbehaved',
  fetch: 'service_misbehaved',
  redeem: 'service_misbehaved',
} as const;
const unauthorized = {
  create: 'service_unauthorized',
  wait: 'service_unauthorized',
  fetch: 'service_unauthorized',
  redeem: 'service_unauthorized',
} as const;
/** Judged once in each step, before anything else. */
const beforeAnything = { create: 'configuration', fetch: 'configuration' } as const;

const act = (of: Act) => ({ kind: 'answer', act: () => of }) as const;
const certificate = (kind: BadCertificate): Row['how'] => ({
  kind: 'certificate',
  certificate: kind,
});

export const networkRows: readonly Row[] = [
  { fault: 'DNS: ENOTFOUND', how: { kind: 'dns', code: 'ENOTFOUND' }, endings: again },
  { fault: 'DNS: EAI_AGAIN', how: { kind: 'dns', code: 'EAI_AGAIN' }, endings: again },
  { fault: 'connection refused', how: { kind: 'refused' }, endings: again },
  { fault: 'connection reset', how: act(cut), endings: { ...again, record: 'goes on' } },
  { fault: 'no answer', how: act(silence), endings: { ...again, record: 'goes on' }, slow: true },
  { fault: 'a body that stalls (slow loris)', how: act(slowLoris()), endings: again, slow: true },
  { fault: 'a body cut short of its Content-Length', how: act(truncated()), endings: again },
  { fault: 'a body cut between two chunks', how: act(truncatedChunk), endings: again },
  {
    fault: 'no HTTP at all',
    how: act(noHttp),
    endings: { ...misbehaved, record: 'goes on' },
  },
  { fault: 'TLS: self-signed', how: certificate('self-signed'), endings: unreachable },
  { fault: 'TLS: unknown authority', how: certificate('unknown authority'), endings: unreachable },
  { fault: 'TLS: expired', how: certificate('expired'), endings: unreachable },
  { fault: 'TLS: not yet valid', how: certificate('not yet valid'), endings: unreachable },
  { fault: 'TLS: for another name', how: certificate('other name'), endings: unreachable },
  { fault: 'TLS: 1.1 at most', how: certificate('old protocol'), endings: unreachable },
  { fault: 'proxy: 407', how: { kind: 'proxy', status: 407 }, endings: unauthorized },
  { fault: 'proxy: 403', how: { kind: 'proxy', status: 403 }, endings: unauthorized },
  { fault: 'proxy: 502', how: { kind: 'proxy', status: 502 }, endings: again },
  { fault: 'proxy: refused', how: { kind: 'proxy', status: 'refused' }, endings: again },
  {
    fault: '407 from the service itself',
    how: act(answer(407, '')),
    endings: { ...unauthorized, record: 'goes on' },
  },
  {
    fault: 'NODE_TLS_REJECT_UNAUTHORIZED=0',
    how: { kind: 'environment', env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } },
    endings: beforeAnything,
  },
  {
    fault: 'NODE_TLS_REJECT_UNAUTHORIZED=1',
    how: { kind: 'environment', env: { NODE_TLS_REJECT_UNAUTHORIZED: '1' } },
    endings: beforeAnything,
  },
  {
    fault: 'NODE_OPTIONS=--tls-min-v1.0',
    how: { kind: 'environment', env: { NODE_OPTIONS: '--tls-min-v1.0' } },
    endings: beforeAnything,
  },
  {
    fault: 'NODE_OPTIONS=--insecure-http-parser',
    how: { kind: 'environment', env: { NODE_OPTIONS: '--insecure-http-parser' } },
    endings: beforeAnything,
  },
];
