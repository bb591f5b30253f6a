import { visible } from '../core/text.ts';
import { TransportError } from './http.ts';

/** The closed list of what may pass by itself, and is tried again. */
const passing: ReadonlySet<string> = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
]);

/** The toolkit's tunnel reports a proxy's answer to CONNECT only in the words of its error. */
const proxyAnswer = /tunneling socket could not be established, statusCode=(\d{3})/;

/** Sorts what Node's network stack throws. Anything unknown is not tried again. */
export function transportErrorOf(error: unknown): TransportError {
  if (error instanceof TransportError) return error;
  const { code, message } = describe(error);
  const proxyStatus = Number(proxyAnswer.exec(message)?.[1] ?? 0);
  if (proxyStatus >= 400 && proxyStatus < 500) {
    return new TransportError('proxy', `the proxy refused the connection with ${proxyStatus}`);
  }
  if (passing.has(code)) return new TransportError('unreachable', `the connection failed: ${code}`);
  if (code.startsWith('HPE_')) return new TransportError('malformed', `no HTTP answer: ${code}`);
  const shown = visible(message, 200);
  return new TransportError(
    'insecure',
    `the connection failed: ${code === '' ? shown : `${code}, ${shown}`}`,
  );
}

/** By shape, not by class: an error of Node's may come from another realm. */
function describe(error: unknown): { readonly code: string; readonly message: string } {
  if (typeof error !== 'object' || error === null) return { code: '', message: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const message = 'message' in error && typeof error.message === 'string' ? error.message : '';
  return { code, message };
}
