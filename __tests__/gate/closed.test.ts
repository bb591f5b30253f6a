import { expect, test } from '@jest/globals';
import { closedFault } from '../../src/gate/closed.ts';

const host = 'approve.example.com';

test.each([
  ['expired', 'expired', `${host} says that request r-1 has expired. Ask for a new approval.`],
  [
    'cancelled',
    'cancelled',
    `${host} says that request r-1 was withdrawn. Ask for a new approval.`,
  ],
  [
    'superseded',
    'superseded',
    `${host} says that a newer request for the same target replaced request r-1. Look for the newer run, or ask for a new approval.`,
  ],
  [
    'redeemed',
    'already_used',
    `${host} says that request r-1 was used already. One approval is good for one deploy: ask for a new approval.`,
  ],
] as const)('a request that the service calls %s refuses as %s', (status, code, message) => {
  expect(closedFault(status, 'r-1', host)).toMatchObject({ code, message });
});

test('the id of a closed request is shown without what hides in it', () => {
  const { message } = closedFault('expired', 'r\u202E', host);
  expect(message).toContain('request r\\u{202E} has expired');
});
