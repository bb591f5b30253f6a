import { expect, test } from '@jest/globals';
import { decodeBase64url, encodeBase64url } from '../../src/core/base64url.ts';

// RFC 4648 section 10, without padding, and the two characters in which base64url differs.
test.each([
  ['', ''],
  ['66', 'Zg'],
  ['666f', 'Zm8'],
  ['666f6f', 'Zm9v'],
  ['666f6f62', 'Zm9vYg'],
  ['fbff', '-_8'],
])('bytes %s are %j, both ways', (hex, text) => {
  expect(encodeBase64url(Buffer.from(hex, 'hex'))).toBe(text);
  expect(Buffer.from(decodeBase64url(text)!).toString('hex')).toBe(hex);
});

test.each(['Zg==', 'Zh', '+/8', 'Z g', 'Zg\n', 'Zg.', 'Z', 'é'])(
  '%j is no base64url of any bytes',
  (text) => {
    expect(decodeBase64url(text)).toBeUndefined();
  },
);
