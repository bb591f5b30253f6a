import { visible } from '../core/text.ts';
import { callFault, type Call } from './answers.ts';

/**
 * The link that people are asked to open: https, or http on this machine, and nothing that a log or a reader could take for
 * something else.
 * @param text a URL, by the schema of the answer
 * @throws Fault `service_misbehaved`
 */
export function checkApproverUrl(text: string, call: Call): void {
  const { protocol, hostname, username, password } = new URL(text);
  const local = /^(localhost|127\..*|\[::1\])$/.test(hostname);
  const safe =
    (protocol === 'https:' || (protocol === 'http:' && local)) &&
    username === '' &&
    password === '' &&
    /^[!-~]{1,2000}$/.test(text);
  if (safe) return;
  throw callFault(
    call,
    'service_misbehaved',
    `it gave "${visible(text)}" as the link to approve at`,
  );
}
