import { expect, test } from '@jest/globals';
import { reasonOf } from '../../src/core/reason.ts';

test.each([
  ['an error', new Error('no such file'), 'no such file'],
  ['an error of another realm', { message: 'no such file' }, 'no such file'],
  ['an error whose message is no text', { message: 5 }, '5'],
  ['an error without a message', {}, 'unknown error'],
  ['a text', 'no such file', 'no such file'],
  ['nothing', null, 'null'],
  ['nothing at all', undefined, 'undefined'],
  ['a text that turns around', 'no \u202E', 'no \\u{202E}'],
])('the reason of %s', (_name, cause, reason) => {
  expect(reasonOf(cause)).toBe(reason);
});
