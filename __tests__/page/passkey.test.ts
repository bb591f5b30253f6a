import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ApiError } from '../../src/service/page/api.ts';
import { isUnanswered, whyItFailed } from '../../src/service/page/passkey.ts';

const undone = 'Nothing was decided.';
const named = (name: string, message = 'as the browser says it'): Error =>
  Object.assign(new Error(message), { name });

describe('why a passkey was not used', () => {
  beforeEach(() => {
    Object.assign(globalThis, { location: new URL('https://warrant.example:8443/approve/x') });
  });
  afterEach(() => {
    Reflect.deleteProperty(globalThis, 'location');
  });

  test.each([
    ['NotAllowedError', 'took too long, or this device has no fitting passkey', 'try again'],
    ['AbortError', 'The passkey prompt was cancelled.', ''],
    ['SecurityError', 'at this address (warrant.example:8443)', 'the service’s own address'],
    ['InvalidStateError', 'already has a passkey for you', 'Use another device'],
    ['ConstraintError', 'cannot keep a passkey with user verification', 'Use one that can'],
    ['NotSupportedError', 'cannot keep a passkey with user verification', 'Use one that can'],
  ])('is said in words for %s, with what it left and what to do', (name, why, next) => {
    const said = whyItFailed(named(name), undone);
    expect(said).toContain(why);
    expect(said).toContain(undone);
    expect(said.slice(said.indexOf(undone))).toContain(next);
    expect(said).not.toContain('as the browser says it');
    // A DOMException, which browsers throw, is read like the error of the library.
    expect(whyItFailed(new DOMException('other words', name), undone)).toBe(said);
    expect(whyItFailed(named(name, ''), undone)).toBe(said);
  });

  test.each([
    [named('UnknownError', 'the device: gone'), 'UnknownError: the device: gone'],
    [new TypeError('Failed'), 'TypeError: Failed'],
    [
      new Error('NotAllowedError: in the words alone'),
      'Error: NotAllowedError: in the words alone',
    ],
    ['a text', 'a text'],
    [undefined, 'undefined'],
  ])('is quoted where nobody knows it: %s', (error, quoted) => {
    expect(whyItFailed(error, undone)).toBe(
      `The passkey could not be used (${quoted}). ${undone} You can try again.`,
    );
  });

  test.each([
    [0, true, `The service cannot be reached. ${undone} Check the connection and try again.`],
    [400, false, `So it said. ${undone}`],
    [409, false, `So it said. ${undone}`],
    [499, false, `So it said. ${undone}`],
    [500, true, `So it said. ${undone}`],
    [503, true, `So it said. ${undone}`],
  ])('is what the service says, where it does: status %d', (status, isLost, said) => {
    const error = new ApiError(status, 'So it said.');
    expect(whyItFailed(error, undone)).toBe(said);
    expect(isUnanswered(error)).toBe(isLost);
  });

  test('is nothing of the service’s where the browser failed', () => {
    expect(isUnanswered(named('NetworkError'))).toBe(false);
    expect(isUnanswered({ name: 'ApiError', status: 500 })).toBe(false);
  });
});
