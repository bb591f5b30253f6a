import { Fault } from '../core/fault.ts';
import { visible } from '../core/text.ts';

/** A day, the most that a policy allows. */
const maxMinutes = 1440;
const defaultWait = 30;
const defaultValid = 60;
/** What stays for build, verify and deploy after the last moment to decide (DESIGN 3.2). */
const marginMinutes = 10;

/** `wait-minutes` or `valid-minutes`: a plain whole number, or nothing. @throws Fault configuration naming the field */
export function parseMinutes(field: string, text: string): number | undefined {
  if (text === '') return undefined;
  const minutes = /^[1-9][0-9]{0,3}$/.test(text) ? Number(text) : 0;
  if (minutes < 1 || minutes > maxMinutes) {
    throw new Fault(
      'configuration',
      `${field} must be a whole number of minutes from 1 to ${maxMinutes}, written in digits, not "${visible(text)}".`,
    );
  }
  return minutes;
}

export interface Minutes {
  /** Decide by, from now. */
  readonly wait: number;
  /** Deploy by, from now. */
  readonly valid: number;
}

/**
 * The two deadlines of a request. What is not given is 30 and 60, or as much as the policy's `max_age_minutes` leaves.
 * @throws Fault configuration
 */
export function requestMinutes(
  given: { readonly wait?: number | undefined; readonly valid?: number | undefined },
  maxAge: number | undefined,
): Minutes {
  const valid = given.valid ?? Math.min(defaultValid, maxAge ?? defaultValid);
  const wait = given.wait ?? Math.min(defaultWait, valid - marginMinutes);
  if (maxAge !== undefined && valid > maxAge) {
    throw new Fault(
      'configuration',
      `valid-minutes is ${valid}, and the policy allows at most ${maxAge} (max_age_minutes). Lower valid-minutes.`,
    );
  }
  if (wait < 1 || valid < wait + marginMinutes) {
    throw new Fault(
      'configuration',
      `valid-minutes (${valid}) must exceed wait-minutes (${Math.max(wait, 1)}) by at least ${marginMinutes}, so that what is approved at the last moment can still be deployed. ${
        maxAge !== undefined && maxAge < marginMinutes + 1
          ? `Raise max_age_minutes in the policy to ${marginMinutes + 1} or more.`
          : 'Raise valid-minutes or lower wait-minutes.'
      }`,
    );
  }
  return { wait, valid };
}
