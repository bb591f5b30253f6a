import { visible } from '../core/text.ts';
import { callFault, type Call } from './answers.ts';

/**
 * The link that people are asked to open: https, or http on this machine, and nothing that a log or a reader could take for
 * something else.
 * @throws Fault `service_misbehaved`
 */
export function checkApproverUrl(text: string, call: Call): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const local = url !== undefined && /^(localhost|127\..*|\[::1\])$/.test(url.hostname);
  const safe =
    (url?.protocol === 'https:' || (url?.protocol === 'http:' && local)) &&
    url.username === '' &&
    url.password === '' &&
    /^[!-~]{1,2000}$/.test(text);
  if (safe) return;
  throw callFault(
    call,
    'service_misbehaved',
    `it gave "${visible(text)}" as the link to approve at`,
  );
}
