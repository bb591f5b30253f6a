import { describe, expect, test } from '@jest/globals';
import { transportErrorOf } from '../../src/client/network-faults.ts';

describe('what the network stack throws and nobody knows', () => {
  test.each([
    ['an error without a code', new Error('odd'), 'the connection failed: odd'],
    [
      'an error with another code',
      Object.assign(new Error('odd'), { code: 'EWHAT' }),
      'the connection failed: EWHAT, odd',
    ],
    ['a code that is none', { code: 5, message: 'odd' }, 'the connection failed: odd'],
    ['a message that is none', { code: 'EWHAT', message: 5 }, 'the connection failed: EWHAT, '],
    ['a text', 'odd', 'the connection failed: odd'],
    ['nothing', null, 'the connection failed: null'],
    [
      'words that a terminal would obey',
      new Error('\u001B[2J'),
      'the connection failed: \\u{001B}[2J',
    ],
  ])('%s: is not tried again', (_, error, message) => {
    expect(transportErrorOf(error)).toMatchObject({ reason: 'insecure', message });
  });
});
