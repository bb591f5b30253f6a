import type { Verdict } from './verdict.ts';

/**
 * A verdict as a log shows it: the reason code first, and last the heading of `docs/TROUBLESHOOTING.md` that says what to do.
 * The heading has the code's name.
 */
export function verdictLine({
  reason_code: code,
  message,
}: Pick<Verdict, 'reason_code' | 'message'>): string {
  return `${code}: ${message}${message.includes('\n') ? '\n' : ' '}See docs/TROUBLESHOOTING.md#${code}.`;
}
