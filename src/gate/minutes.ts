import { Fault } from '../core/fault.ts';
import { visible } from '../core/text.ts';

/** The most that a wait or a validity may be: a week. */
const maxMinutes = 10_080;

/** `wait-minutes` or `valid-minutes`: a plain whole number, or nothing. @throws Fault configuration naming the field */
export function parseMinutes(field: string, text: string): number | undefined {
  if (text === '') return undefined;
  const minutes = /^[1-9][0-9]{0,4}$/.test(text) ? Number(text) : 0;
  if (minutes < 1 || minutes > maxMinutes) {
    throw new Fault(
      'configuration',
      `${field} must be a whole number of minutes from 1 to ${maxMinutes}, written in digits, not "${visible(text)}".`,
    );
  }
  return minutes;
}
