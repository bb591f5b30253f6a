import { createHmac, createPublicKey, sign } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  maxTokenLength,
  namedIssuer,
  namedKey,
  verifyToken,
  type TokenKeys,
} from '../../src/core/token.ts';
import { newIssuerKey, signToken, type Claims, type IssuerKey } from '../support/issuer.ts';

const issuer = 'https://token.actions.githubusercontent.com';
const audience = 'deploy-warrant';
const seconds = 1_795_000_000;
const now = seconds * 1000;

let key: IssuerKey;
let other: IssuerKey;
let keys: TokenKeys;
beforeAll(async () => {
  [key, other] = await Promise.all([newIssuerKey('key-1'), newIssuerKey('key-2')]);
  keys = { keys: [key.jwk, other.jwk] };
});

const goodHeader = { typ: 'JWT', alg: 'RS256', kid: 'key-1' };
const goodClaims = {
  ...{ iss: issuer, aud: audience, jti: 'one' },
  ...{ iat: seconds, nbf: seconds, exp: seconds + 300 },
  environment: 'production',
};
const made = (claims: Claims = {}, header: Claims = {}): string =>
  signToken(key, { ...goodHeader, ...header }, { ...goodClaims, ...claims });
const check = (token: string, given: object = {}) =>
  verifyToken({ token, issuer, audience, keys, now, ...given });

const unreadable = 'is not a signed token of three base64url parts';

async function refusal(token: string, given: object = {}): Promise<string> {
  const checked = await check(token, given);
  if (checked.ok) throw new Error('It was accepted.');
  const message = checked.problems[0]!.message;
  expect(checked.problems).toEqual([{ field: '', message }]);
  // Neither a token nor a whole part of it.
  expect(message).not.toMatch(/[\w-]{60,}/);
  return message;
}

describe('a good token', () => {
  test('gives its claims', async () => {
    expect(await check(made())).toEqual({ ok: true, value: goodClaims });
  });

  test('of GitLab may have several audiences', async () => {
    const aud = ['https://approve.example.com', audience];
    expect(await check(made({ aud }))).toMatchObject({ ok: true });
  });

  test('may be signed by any key that its issuer publishes', async () => {
    const token = signToken(other, { ...goodHeader, kid: 'key-2' }, goodClaims);
    expect(await check(token)).toMatchObject({ ok: true });
  });

  test('names its issuer before it is checked', () => {
    expect(namedIssuer(made())).toBe(issuer);
    expect(namedIssuer(made({ iss: 7 }))).toBeUndefined();
    expect(namedIssuer('nothing')).toBeUndefined();
  });

  test('names its key before it is checked', () => {
    expect(namedKey(made())).toBe('key-1');
    expect(namedKey(made({}, { kid: 7 }))).toBeUndefined();
    expect(namedKey('nothing')).toBeUndefined();
  });

  test('of 16,384 characters is the longest', async () => {
    const filled = (header: number, claims: number) =>
      made({ filler: 'x'.repeat(claims) }, { filler: 'x'.repeat(header) });
    const about = Math.floor(((maxTokenLength - filled(0, 0).length) * 3) / 4) - 3;
    // Base64url has no text of 4 n + 1 characters, so that not every length is one of the claims alone.
    const tokens = [0, 1, 2, 3, 4, 5].flatMap((more) =>
      [0, 1, 2].map((header) => filled(header, about + more)),
    );
    const of = (length: number) => tokens.find((token) => token.length === length)!;
    expect(maxTokenLength).toBe(16_384);
    expect(await check(of(16_384))).toMatchObject({ ok: true });
    expect(await refusal(of(16_385))).toBe(unreadable);
  });

  test('may have an id of 255 characters', async () => {
    expect(await check(made({ jti: 'x'.repeat(255) }))).toMatchObject({ ok: true });
  });
});

describe('a header decides nothing', () => {
  test.each([['none'], ['None'], ['nOnE'], ['']])('alg %p without a signature', async (alg) => {
    const [header, claims] = made({}, { alg }).split('.');
    expect(await refusal(`${header!}.${claims!}.`)).toBe(unreadable);
    expect(await refusal(made({}, { alg }))).toBe(`is signed by ${alg}, not by RS256`);
  });

  test('HS256 with the public key as the secret', async () => {
    const publicKey = createPublicKey({ key: key.jwk, format: 'jwk' });
    const secrets = [
      publicKey.export({ type: 'spki', format: 'pem' }),
      publicKey.export({ type: 'spki', format: 'der' }),
      JSON.stringify(key.jwk),
      key.jwk.n!,
    ];
    for (const secret of secrets) {
      const text = made({}, { alg: 'HS256' }).split('.').slice(0, 2).join('.');
      const mac = createHmac('sha256', secret).update(text).digest('base64url');
      expect(await refusal(`${text}.${mac}`)).toBe('is signed by HS256, not by RS256');
    }
  });

  test('a key of the token itself (jwk, jku, x5u, x5c) is refused before any signature is looked at', async () => {
    const own = await newIssuerKey('key-1');
    const headers: Readonly<Record<string, unknown>> = {
      jwk: own.jwk,
      jku: 'https://evil.example/jwks',
      x5u: 'https://evil.example/certificate',
      x5c: ['MIIB'],
    };
    for (const [name, value] of Object.entries(headers)) {
      const header = { ...goodHeader, [name]: value };
      for (const by of [own, key]) {
        const message = await refusal(signToken(by, header, goodClaims));
        expect(message).toBe(`has a header with ${name}, which is refused`);
      }
    }
  });

  test.each([
    ['crit', ['exp']],
    ['crit', []],
    ['b64', false],
  ])('%s %p', async (name, value) => {
    expect(await refusal(made({}, { [name]: value }))).toBe(
      `has a header with ${name}, which is refused`,
    );
  });

  test.each([
    ['PS256', 'PS256'],
    ['RS512', 'RS512'],
    ['ES256', 'ES256'],
    ['EdDSA', 'EdDSA'],
    [256, '256'],
    [null, 'null'],
    [['RS256'], '["RS256"]'],
    [undefined, 'nobody'],
    ['\u202eRS', '\\u{202E}RS'],
    ['no '.repeat(50), `${'no '.repeat(20)}…o ${'no '.repeat(19)}`],
  ])('alg %p', async (alg, shown) => {
    const message = await refusal(made({}, { alg }));
    expect(message).toBe(`is signed by ${shown}, not by RS256`);
  });

  test.each([
    ['at+jwt', 'at+jwt'],
    ['jwt', 'jwt'],
    ['JOSE', 'JOSE'],
    ['application/jwt', 'application/jwt'],
    ['secevent+jwt', 'secevent+jwt'],
    ['', ''],
    [undefined, 'nobody'],
  ])('typ %p', async (typ, shown) =>
    expect(await refusal(made({}, { typ }))).toBe(`is of the type ${shown}, not JWT`),
  );

  test.each([[undefined], [''], [1], [null]])('kid %p', async (kid) => {
    expect(await refusal(made({}, { kid }))).toBe('names no key (kid)');
  });

  test('a kid that the issuer does not publish, or that is of another key', async () => {
    const unknown = 'is signed by a key that its issuer does not publish';
    expect(await refusal(made({}, { kid: 'key-3' }))).toBe(unknown);
    expect(await refusal(made({}, { kid: '../../key-1' }))).toBe(unknown);
    expect(await refusal(made(), { keys: { keys: [] } })).toBe(unknown);
    const forged = 'has no valid signature of its issuer';
    expect(await refusal(made({}, { kid: 'key-2' }))).toBe(forged);
  });

  test.each([
    ['for encryption', { use: 'enc' }],
    ['of another algorithm', { alg: 'PS256' }],
    ['of no kind', { kty: 'oct', k: 'AAAA' }],
    ['of a broken modulus', { n: '' }],
  ])('a published key %s', async (_, members) => {
    const spoilt = { keys: [{ ...key.jwk, ...members }] };
    expect(await refusal(made(), { keys: spoilt })).toMatch(/does not publish|no valid signature/);
  });

  test('a published key of fewer than 2048 bits', async () => {
    const weak = await newIssuerKey('key-1', 1024);
    const token = signToken(weak, goodHeader, goodClaims);
    expect(await refusal(token, { keys: { keys: [weak.jwk] } })).toContain('no valid signature');
  });
});

describe('issuer and audience are exact', () => {
  test.each([
    [`${issuer}/`, `${issuer}/`],
    [issuer.toUpperCase(), issuer.toUpperCase()],
    [`${issuer}.evil.example`, `${issuer}.evil.example`],
    ['https://gitlab.com', 'https://gitlab.com'],
    [[issuer], `["${issuer}"]`],
    [null, 'null'],
    [undefined, 'nobody'],
    ['', ''],
  ])('iss %p', async (iss, shown) => {
    expect(await refusal(made({ iss }))).toBe(`was issued by ${shown}, not by ${issuer}`);
  });

  test.each([
    ['https://approve.example.com', 'https://approve.example.com'],
    ['Deploy-Warrant', 'Deploy-Warrant'],
    ['deploy-warrant ', 'deploy-warrant '],
    ['deploy-warrant,other', 'deploy-warrant,other'],
    [[], '[]'],
    [['other'], '["other"]'],
    [['deploy-warrant', 7], '["deploy-warrant",7]'],
    [{ 'deploy-warrant': true }, '{"deploy-warrant":true}'],
    [null, 'null'],
    [undefined, 'nobody'],
    ['', ''],
  ])('aud %p', async (aud, shown) => {
    expect(await refusal(made({ aud }))).toBe(`is meant for ${shown}, not for deploy-warrant`);
  });
});

describe('times, with 60 s to either side', () => {
  const at = (offset: number) => ({ now: now + offset * 1000 });

  test('exp', async () => {
    expect(await check(made(), at(359))).toMatchObject({ ok: true });
    expect(await check(made(), { now: now + 359_999 })).toMatchObject({ ok: true });
    expect(await refusal(made(), at(360))).toBe('has expired, 60 s ago');
    expect(await refusal(made(), at(360.001))).toBe('has expired, 61 s ago');
  });

  test('nbf', async () => {
    const later = made({ nbf: seconds + 100, exp: seconds + 900 });
    expect(await check(later, at(40))).toMatchObject({ ok: true });
    expect(await refusal(later, at(39))).toBe('is valid only in 61 s');
    expect(await check(made({ nbf: undefined }))).toMatchObject({ ok: true });
  });

  test('iat', async () => {
    const early = made({ nbf: seconds - 500 });
    expect(await check(early, at(-60))).toMatchObject({ ok: true });
    expect(await refusal(early, at(-61))).toBe('was issued 61 s in the future');
  });

  test.each([
    ['exp', undefined],
    ['iat', undefined],
    ['exp', `${seconds + 300}`],
    ['exp', null],
    ['exp', -1],
    ['iat', 'now'],
    ['iat', 0],
    ['nbf', '0'],
    ['nbf', null],
  ])('%s %p', async (name, value) => {
    expect(await refusal(made({ [name]: value }))).toBe(
      'does not say when it was issued (iat) and when it expires (exp)',
    );
  });

  test('exp beyond what a number can say', async () => {
    const [header, , signature] = made().split('.');
    const claims = JSON.stringify(goodClaims).replace(/"exp":\d+/, '"exp":1e999');
    const token = `${header!}.${Buffer.from(claims).toString('base64url')}.${signature!}`;
    expect(await refusal(token)).toBe(unreadable);
  });
});

test.each([[undefined], [''], [7], ['x'.repeat(256)]])('jti %p', async (jti) => {
  expect(await refusal(made({ jti }))).toBe('has no id of its own (jti)');
});

describe('forms', () => {
  const signed = (header: string, claims: string): string => {
    const text = [header, claims].map((part) => Buffer.from(part).toString('base64url')).join('.');
    return `${text}.${sign('sha256', Buffer.from(text), key.privateKey).toString('base64url')}`;
  };
  const header = JSON.stringify(goodHeader);
  const claims = JSON.stringify(goodClaims);

  test('what these tests sign by hand is good as such', async () => {
    expect(await check(signed(header, claims))).toMatchObject({ ok: true });
  });

  test.each([
    ['a member that stands twice', header, claims.replace('{', '{"environment":"staging",')],
    ['a header member that stands twice', header.replace('{', '{"alg":"none",'), claims],
    ['a prototype', header, claims.replace('{', '{"__proto__":{"environment":"x"},')],
    ['a byte order mark', header, `\uFEFF${claims}`],
    ['claims that are a list', header, '[]'],
    ['claims that are null', header, 'null'],
    ['claims that are no JSON', header, '{'],
    ['a header that is a text', '"RS256"', claims],
  ])('%s', async (_, h, c) => {
    expect(await refusal(signed(h, c))).toBe(unreadable);
  });

  test('too few, too many or empty parts, the JSON forms, and what is too long', async () => {
    const [h, c, s] = made().split('.') as [string, string, string];
    const forms = [
      '',
      '.',
      '..',
      h,
      `${h}.${c}`,
      `${h}.${c}.`,
      `${h}..${s}`,
      `.${c}.${s}`,
      `${h}.${c}.${s}.`,
      `${h}.${c}.${s}.${s}`,
      `${h}.${c}.${s}=`,
      ` ${h}.${c}.${s}`,
      `${h}.${c}.${s}\n`,
      JSON.stringify({ protected: h, payload: c, signature: s }),
      made({ filler: 'x'.repeat(16_384) }),
      `${h}.${c}.${'A'.repeat(16_384)}`,
    ];
    for (const form of forms) expect(await refusal(form)).toBe(unreadable);
  });
});

describe('properties', () => {
  test('a token with any one character replaced never passes', async () => {
    const token = made();
    const characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ ';
    await fc.assert(
      fc.asyncProperty(
        fc.nat(token.length - 1),
        fc.constantFrom(...characters.split('')),
        async (index, character) => {
          fc.pre(token[index] !== character);
          const changed = token.slice(0, index) + character + token.slice(index + 1);
          expect((await check(changed)).ok).toBe(false);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('any text is answered, and none is a token', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.base64String(), fc.json()), async (text) => {
        expect((await check(text)).ok).toBe(false);
      }),
    );
  });
});
