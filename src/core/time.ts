/** Our one form of a time. A day or an hour that is not in the calendar has it too, see {@link isTime}. */
export const timePattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;

/** `YYYY-MM-DDTHH:MM:SSZ` of an instant in epoch milliseconds; parts of a second are cut off. @throws RangeError outside the years 0 to 9999 */
export function formatTime(epochMs: number): string {
  const text = `${new Date(epochMs).toISOString().slice(0, -5)}Z`;
  if (!timePattern.test(text)) throw new RangeError(`No four-digit year: ${text}`);
  return text;
}

/** Epoch milliseconds of exactly `YYYY-MM-DDTHH:MM:SSZ` (DESIGN 3.2). @throws RangeError for any other text, and for a day or an hour that is not in the calendar */
export function parseTime(text: string): number {
  if (!isTime(text)) throw new RangeError('A time has the form YYYY-MM-DDTHH:MM:SSZ.');
  return Date.parse(text);
}

/** Whether the text is a time in our one form. 31 February and 24:00:00 are not: `Date` would move them to another day. */
export function isTime(text: string): boolean {
  if (!timePattern.test(text)) return false;
  const epochMs = Date.parse(text);
  return !Number.isNaN(epochMs) && formatTime(epochMs) === text;
}
