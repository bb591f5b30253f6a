import { Fault } from '../core/fault.ts';
import { visible } from '../core/text.ts';

/** Nothing that `new URL` would quietly repair, decode or split off. */
const plainUrl = /^https?:\/\/[\w.:[\]-]+(\/[\w.~!$&'()*+,;=:-]+)*\/?$/i;
const loopback = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/;
const address = /^(\d{1,3}(\.\d{1,3}){3}|\[.*\])$/;

/**
 * The base of the API, without a slash at the end. The key is sent there and nowhere else, so it is https, or http on this
 * machine; and a host name, since passkeys know no addresses (WebAuthn Level 3 section 5.1.3).
 * @throws Fault configuration; a user name or password in the text is not repeated
 */
export function checkApiUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw unusable(`"${visible(text)}" is no URL`);
  if (url.username !== '' || url.password !== '' || text.includes('@')) {
    throw unusable('it holds a user name or an @; the key goes into api-key');
  }
  if (text.includes('?') || text.includes('#')) {
    throw unusable('it holds a query or a fragment');
  }
  if (!plainUrl.test(text)) {
    throw unusable(`"${visible(text)}" is not written as a plain https:// URL`);
  }
  if (url.protocol !== 'https:' && !loopback.test(url.hostname)) {
    throw unusable(`"${visible(text)}" would send the key unprotected; http is for localhost only`);
  }
  if (address.test(url.hostname) && !loopback.test(url.hostname)) {
    throw unusable(`"${visible(text)}" names an address instead of a host`);
  }
  if (url.pathname.endsWith('/')) url.pathname = url.pathname.slice(0, -1);
  return url;
}

function unusable(problem: string): Fault {
  const fix = 'Set it to the base of the approval API, such as https://approve.example.com/api.';
  return new Fault('configuration', `api-url can't be used: ${problem}. ${fix}`);
}
