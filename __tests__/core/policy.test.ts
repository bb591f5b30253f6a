import { createPublicKey, ECDH, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterEach, describe, expect, test } from '@jest/globals';
import { canonicalText } from '../../src/core/canonical.ts';
import { sha256Hex } from '../../src/core/hash.ts';
import { algorithms } from '../../src/core/passkeys.ts';
import { checkPolicy, parsePolicyText, policyHash, type Policy } from '../../src/core/policy.ts';
import * as rules from '../../src/core/policy-rule.ts';
import { createWorld } from '../support/approvals.ts';
import { createPasskey } from '../support/authenticator.ts';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- documents that are made wrong on purpose
type Json = Record<string, any>;

const { policy } = createWorld();

/** The faults of the good policy after a change, as `field: message` lines. */
function faults(change: (document: Json) => void): readonly string[] {
  const document = structuredClone(policy) as Json;
  change(document);
  const checked = checkPolicy(document);
  return checked.ok ? [] : checked.problems.map(({ field, message }) => `${field}: ${message}`);
}

const rule = (changes: Json) => (document: Json) => {
  Object.assign(document.environments.production, changes);
};
const passkey = (document: Json) => document.approvers.alex.passkeys[0] as Json;
const account = (document: Json) => document.approvers.alex.accounts[0] as Json;
const environmentRule = (document: Policy, environment: string) =>
  rules.environmentRule(document, { environment, service: 'api' });
const spki = (key: KeyObject) => key.export({ format: 'der', type: 'spki' }).toString('base64url');

test('a good policy is accepted, as text too, and its hash is that of its canonical form', () => {
  expect(faults(() => undefined)).toEqual([]);
  const parsed = parsePolicyText(JSON.stringify(policy, null, 2));
  expect(parsed.ok).toBe(true);
  expect(parsed.ok && policyHash(parsed.value)).toBe(sha256Hex(canonicalText(policy)));
});

test.each(algorithms)('a %s key fits its algorithm', (algorithm) => {
  const { pinned } = createPasskey(algorithm);
  expect(faults((document) => Object.assign(passkey(document), pinned))).toEqual([]);
});

describe('the rule of an environment', () => {
  test('has the defaults of DESIGN 3.4', () => {
    expect(environmentRule(policy, 'production')).toEqual({
      approvers: ['alex', 'dana'],
      quorum: 1,
      quorum_if_destructive: 1,
      groups: {},
      max_age_minutes: 60,
      self_approval: false,
      not_by_commit_authors: false,
      rerun: 'never',
      redemption: 'required',
      require_oidc: undefined,
      required_facts: [],
      other_commit: false,
      pull_request: false,
      no_deploys: [],
      assurance: 'signature',
    });
  });

  test('keeps what is written, and the destructive quorum is the quorum where none is written', () => {
    const written = {
      approvers: ['alex', 'dana'],
      quorum: 2,
      max_age_minutes: 30,
      self_approval: true,
      rerun: 'same_run',
      redemption: 'run',
      require_oidc: true,
      required_facts: ['digest'],
      groups: { owners: { people: ['alex'] } },
      not_by_commit_authors: false,
      migration_paths: ['db/**'],
      refs: ['refs/heads/main'],
      workflows: ['acme/shop/.github/workflows/*'],
      triggers: ['push'],
      runners: ['github-hosted'],
      other_commit: true,
      pull_request: true,
      no_deploys: [{ from: '2026-12-24T00:00:00Z', to: '2026-12-27T00:00:00Z', reason: 'Rest' }],
      assurance: 'service',
    } as const;
    const changed = createWorld(written).policy;
    expect(checkPolicy(changed).ok).toBe(true);
    expect(environmentRule(changed, 'production')).toEqual({
      ...written,
      quorum_if_destructive: 2,
    });
  });

  test.each([
    'constructor',
    '__proto__',
    'toString',
    'hasOwnProperty',
    'Production',
    'production ',
    '',
  ])('does not exist for %p, which the policy does not name', (environment) => {
    const parsed = parsePolicyText(JSON.stringify(policy));
    expect(environmentRule(policy, environment)).toBeUndefined();
    expect(parsed.ok && environmentRule(parsed.value, environment)).toBeUndefined();
  });

  test.each(['constructor', 'toString', 'hasOwnProperty'])(
    'is found for %p where the policy names it',
    (environment) => {
      const text = JSON.stringify(policy).replace('"staging"', JSON.stringify(environment));
      const parsed = parsePolicyText(text);
      expect(parsed.ok && environmentRule(parsed.value, environment)?.approvers).toEqual(['kim']);
    },
  );

  describe('with a polluted Object.prototype', () => {
    const pollution: Json = {
      self_approval: true,
      redemption: 'run',
      rerun: 'same_run',
      quorum: 0,
    };

    afterEach(() => {
      for (const key of Object.keys(pollution)) Reflect.deleteProperty(Object.prototype, key);
    });

    test('has its defaults all the same', () => {
      const plain = environmentRule(policy, 'production');
      for (const [key, value] of Object.entries(pollution)) {
        Object.defineProperty(Object.prototype, key, {
          value,
          configurable: true,
          enumerable: true,
        });
      }
      expect(environmentRule(policy, 'production')?.self_approval).toBe(false);
      expect(environmentRule(policy, 'production')).toEqual(plain);
      const checked = checkPolicy(policy);
      expect(checked.ok && environmentRule(checked.value, 'production')).toEqual(plain);
    });
  });
});

describe('a policy is refused', () => {
  const unknown = 'is not a member of this format; remove it';
  const strangers = [
    'environments.production.approvers[0]: names alex, who is not among the approvers',
    'environments.production.approvers[1]: names dana, who is not among the approvers',
    'environments.staging.approvers[0]: names kim, who is not among the approvers',
  ];

  test.each<[string, (document: Json) => void, ...string[]]>([
    [
      'of another schema',
      (d) => (d.schema = 'approval-policy/v2'),
      'schema: must be "approval-policy/v1"',
    ],
    ['with an unknown member', (d) => (d.extra = 1), `extra: ${unknown}`],
    ['without relying party', (d) => delete d.relying_party, 'relying_party: is missing'],
    [
      'with a relying party that is none',
      (d) => (d.relying_party = 7),
      'relying_party: must be an object',
    ],
    [
      'with an empty relying party',
      (d) => (d.relying_party = { id: '', origin: '' }),
      'relying_party.id: must not be empty',
      'relying_party.origin: must not be empty',
    ],
    [
      'with a relying party that is too long',
      (d) => (d.relying_party = { id: 'a'.repeat(254), origin: `https://${'a'.repeat(293)}` }),
      'relying_party.id: is too long for a host name',
      'relying_party.origin: is too long',
    ],
    [
      'with an unknown member of the relying party',
      (d) => (d.relying_party.name = 'Acme'),
      `relying_party.name: ${unknown}`,
    ],
    ['without approvers', (d) => delete d.approvers, 'approvers: is missing', ...strangers],
    ['with nobody in it', (d) => (d.approvers = {}), 'approvers: must not be empty', ...strangers],
    [
      'with a list of approvers',
      (d) => (d.approvers = []),
      'approvers: must be an object',
      ...strangers,
    ],
    ['without environments', (d) => delete d.environments, 'environments: is missing'],
    ['with no environment', (d) => (d.environments = {}), 'environments: must not be empty'],
    [
      'with a list of environments',
      (d) => (d.environments = []),
      'environments: must be an object',
    ],
    [
      'with a rule that is none',
      (d) => (d.environments.production = null),
      'environments.production: must be an object',
    ],
    [
      'with a broad label as environment',
      (d) => (d.environments.latest = { approvers: ['kim'] }),
      'environments.latest: must name one thing, and "latest" could be any; name the exact one',
    ],
    [
      'with a strange user name',
      (d) => (d.approvers['alex doe'] = {}),
      'approvers.alex doe: must be a user name: letters, digits and . _ @ + -, at most 128',
      'approvers.alex doe.accounts: is missing',
      'approvers.alex doe.passkeys: is missing',
    ],
    [
      'with a person who is none',
      (d) => (d.approvers.sam = []),
      'approvers.sam: must be an object',
    ],
    [
      'with an unknown member of a person',
      (d) => (d.approvers.alex.role = 'lead'),
      `approvers.alex.role: ${unknown}`,
    ],
    [
      'without passkeys',
      (d) => (d.approvers.alex.passkeys = []),
      'approvers.alex.passkeys: must name at least one passkey',
    ],
    [
      'without a person’s passkeys',
      (d) => delete d.approvers.alex.passkeys,
      'approvers.alex.passkeys: is missing',
    ],
    [
      'with a passkey that is none',
      (d) => (d.approvers.alex.passkeys[1] = null),
      'approvers.alex.passkeys[1]: must be an object',
    ],
    [
      'with an unknown algorithm',
      (d) => (passkey(d).algorithm = 'ES384'),
      'approvers.alex.passkeys[0].algorithm: must be "ES256" or "EdDSA" or "RS256"',
    ],
    [
      'with an unknown member of a passkey',
      (d) => (passkey(d).counter = 1),
      `approvers.alex.passkeys[0].counter: ${unknown}`,
    ],
    [
      'with an empty key',
      (d) => (passkey(d).public_key = ''),
      'approvers.alex.passkeys[0].public_key: must not be empty',
    ],
    [
      'with a key that is too long',
      (d) => (passkey(d).public_key = 'A'.repeat(4097)),
      'approvers.alex.passkeys[0].public_key: is too long',
    ],
    [
      'with an account without id',
      (d) => delete account(d).id,
      'approvers.alex.accounts[0].id: is missing',
    ],
    [
      'with an account that is none',
      (d) => (d.approvers.alex.accounts = [7]),
      'approvers.alex.accounts[0]: must be an object',
    ],
    [
      'with an unknown member of an account',
      (d) => (account(d).name = 'Alex'),
      `approvers.alex.accounts[0].name: ${unknown}`,
    ],
    [
      'with an empty login',
      (d) => (account(d).login = ''),
      'approvers.alex.accounts[0].login: must be an identifier without blanks',
    ],
    [
      'with a null',
      (d) => (account(d).login = null),
      'approvers.alex.accounts[0].login: must be a string',
    ],
  ])('%s', (_, change, ...expected) => {
    expect(faults(change)).toEqual(expected);
  });

  test.each(['.alex', '-alex', '', 'alex/doe', 'a'.repeat(129), 'alex\n'])(
    'with a person named %p',
    (name) => {
      const stranger = { accounts: [], passkeys: [createPasskey('ES256').pinned] };
      expect(faults((document) => (document.approvers[name] = stranger))).toEqual([
        expect.stringMatching(
          /: must be a user name: letters, digits and \. _ @ \+ -, at most 128$/,
        ),
      ]);
    },
  );

  test.each(['a', '7', 'alex@example.com', 'a.b_c+d-e', 'a'.repeat(128)])(
    'but not with a person named %p',
    (name) => {
      const known = { accounts: [], passkeys: [createPasskey('ES256').pinned] };
      expect(faults((document) => (document.approvers[name] = known))).toEqual([]);
    },
  );

  test('with every fault at once', () => {
    const found = faults((document) => {
      document.extra = true;
      document.relying_party.origin = 'http://approve.example.com';
      passkey(document).public_key = 'AAAA';
      account(document).login = '';
      document.approvers.dana.passkeys[0].id = '*';
      Object.assign(document.environments.production, { quorum: 3, groups: ['ops'] });
      document.environments.staging.approvers = ['nobody'];
    });
    expect(found).toEqual([
      `extra: ${unknown}`,
      'relying_party.origin: must begin with https:// (http:// only for localhost)',
      'approvers.alex.accounts[0].login: must be an identifier without blanks',
      'approvers.dana.passkeys[0].id: is not base64url without padding',
      'approvers.alex.passkeys[0].public_key: is not a public key in SubjectPublicKeyInfo (DER) form',
      'environments.production.groups: must be an object',
      'environments.production.quorum: asks for 3 people, but the rule names 2',
      'environments.staging.approvers[0]: names nobody, who is not among the approvers',
    ]);
  });

  test('but what is no text at all is a mistake of the caller', () => {
    expect(() => parsePolicyText(undefined as unknown as string)).toThrow(TypeError);
  });

  test('with a member __proto__, wherever it stands', () => {
    const texts = [
      JSON.stringify(policy).replace('{', '{"__proto__":{},'),
      JSON.stringify(policy).replace('"production":{', '"production":{"__proto__":{"quorum":0},'),
      JSON.stringify(policy).replace(
        '"environments":{',
        '"environments":{"__proto__":{"approvers":["alex"]},',
      ),
    ];
    for (const text of texts) {
      expect(parsePolicyText(text)).toMatchObject({ ok: false });
    }
    expect(checkPolicy(JSON.parse(texts[0]!)).ok).toBe(false);
    expect(checkPolicy(JSON.parse(texts[1]!)).ok).toBe(false);
  });

  test.each([
    ['no JSON', '{', 'Expected a member name in double quotes, found the end (line 1, column 2)'],
    [
      'a member that stands twice',
      '{"schema":"approval-policy/v1","schema":"approval-policy/v1"}',
      'The member "schema" stands twice (line 1, column 32)',
    ],
    ['a list', '[]', 'must be an object'],
    ['a text', '"policy"', 'must be an object'],
    ['null', 'null', 'must be an object'],
    [
      'too long',
      `"${'a'.repeat(262_144)}"`,
      'Too large: 262146 bytes, the limit is 262144 (line 1, column 1)',
    ],
  ])('that is %s', (_, text, message) => {
    expect(parsePolicyText(text)).toEqual({ ok: false, problems: [{ field: '', message }] });
  });
});

describe('the relying party', () => {
  test.each([
    ['approve.example.com', 'https://approve.example.com'],
    ['example.com', 'https://approve.example.com'],
    ['approve.example.com', 'https://approve.example.com:8443'],
    ['localhost', 'http://localhost:8080'],
    ['localhost', 'https://localhost'],
    ['gate.localhost', 'http://gate.localhost:8080'],
    ['localhost', 'http://gate.localhost:8080'],
    ['intranet', 'https://intranet'],
  ])('%s may be used on %s', (id, origin) => {
    expect(faults((document) => (document.relying_party = { id, origin }))).toEqual([]);
  });

  const secure = 'origin: must begin with https:// (http:// only for localhost)';
  const written =
    'origin: must be an origin as browsers write it, with a domain name, such as https://approve.example.com';
  const above =
    'id: must be the host of the origin, approve.example.com, or a domain that it is in';

  test.each([
    ['approve.example.com', 'http://approve.example.com', secure],
    ['localhost.example.com', 'http://localhost.example.com', secure],
    ['localhost', 'ftp://localhost', secure],
    ['approve.example.com.', 'https://approve.example.com.', written],
    ['127.0.0.1', 'http://127.0.0.1:8080', written],
    ['approve.example.com', 'https://approve.example.com/', written],
    ['approve.example.com', 'https://Approve.example.com', written],
    ['approve.example.com', 'https://approve.example.com:443', written],
    ['approve.example.com', 'https://user@approve.example.com', written],
    ['approve.example.com', 'approve.example.com', written],
    ['approve.example.com', 'file:///approve.example.com', written],
    ['approve.example.com', 'null', written],
    ['example.com', 'https://*.example.com', written],
    ['evil.example.com', 'https://approve.example.com', above],
    ['xample.com', 'https://approve.example.com', above],
    ['approve.example.com.evil.org', 'https://approve.example.com', above],
    ['a.approve.example.com', 'https://approve.example.com', above],
    ['.example.com', 'https://approve.example.com', above],
    ['com', 'https://approve.example.com', above],
    ['127.0.0.1', 'https://127.0.0.1', written],
    ['0.0.1', 'https://127.0.0.1', written],
    ['[::1]', 'https://[::1]', written],
    ['Example.com', 'https://approve.example.com', above],
  ])('%s on %s is refused', (id, origin, fault) => {
    const found = faults((document) => (document.relying_party = { id, origin }));
    expect(found).toEqual([`relying_party.${fault}`]);
  });
});

describe('a key is refused', () => {
  const p256 = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const der = p256.publicKey.export({ format: 'der', type: 'spki' });
  const bits = (modulusLength: number) =>
    spki(generateKeyPairSync('rsa', { modulusLength }).publicKey);
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({
    format: 'jwk',
  });
  const withExponent = (e: string) => spki(createPublicKey({ key: { ...rsa, e }, format: 'jwk' }));
  const compressed = ECDH.convertKey(
    der.subarray(-65),
    'prime256v1',
    undefined,
    undefined,
    'compressed',
  );
  const offCurve = Buffer.from(der);
  offCurve.writeUInt8(offCurve.readUInt8(90) ^ 1, 90);

  const notP256 = (what: string) => `is not a P-256 key, which ES256 needs (it is ${what})`;
  const notEd25519 = (what: string) => `is not an Ed25519 key, which EdDSA needs (it is ${what})`;
  const notRsa = (what: string) => `is not an RSA key, which RS256 needs (it is ${what})`;
  const tooShort = (size: number) => `is an RSA key of ${size} bits; RS256 needs at least 2048`;
  const oddExponent = 'is an RSA key with a public exponent that signs nothing';
  const notPlain =
    'is not in the plain DER form (for ES256: the named curve and an uncompressed point)';
  const notSpki = 'is not a public key in SubjectPublicKeyInfo (DER) form';
  const notBase64url = 'is not base64url without padding';

  test.each([
    [
      'a P-384 key',
      'ES256',
      spki(generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).publicKey),
      notP256('ec secp384r1'),
    ],
    [
      'a secp256k1 key',
      'ES256',
      spki(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey),
      notP256('ec secp256k1'),
    ],
    ['an Ed25519 key', 'ES256', spki(generateKeyPairSync('ed25519').publicKey), notP256('ed25519')],
    ['an RSA key', 'ES256', bits(2048), notP256('rsa')],
    ['a P-256 key', 'EdDSA', der.toString('base64url'), notEd25519('ec prime256v1')],
    ['an Ed448 key', 'EdDSA', spki(generateKeyPairSync('ed448').publicKey), notEd25519('ed448')],
    ['an X25519 key', 'EdDSA', spki(generateKeyPairSync('x25519').publicKey), notEd25519('x25519')],
    ['a P-256 key', 'RS256', der.toString('base64url'), notRsa('ec prime256v1')],
    ['an RSA key of 1024 bits', 'RS256', bits(1024), tooShort(1024)],
    ['an RSA key of 2040 bits', 'RS256', bits(2040), tooShort(2040)],
    [
      'an RSA-PSS key',
      'RS256',
      spki(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey),
      notRsa('rsa-pss'),
    ],
    ['an RSA key with exponent 1', 'RS256', withExponent('AQ'), oddExponent],
    ['an RSA key with exponent 2', 'RS256', withExponent('Ag'), oddExponent],
    ['an RSA key with an even exponent', 'RS256', withExponent('AQAA'), oddExponent],
    [
      'a compressed point',
      'ES256',
      Buffer.concat([
        Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex'),
        Buffer.from(compressed),
      ]).toString('base64url'),
      notPlain,
    ],
    [
      'explicit curve parameters',
      'ES256',
      spki(
        generateKeyPairSync('ec', { namedCurve: 'prime256v1', paramEncoding: 'explicit' })
          .publicKey,
      ),
      notPlain,
    ],
    [
      'a byte after the key',
      'ES256',
      Buffer.concat([der, Buffer.of(0)]).toString('base64url'),
      notPlain,
    ],
    ['a point off the curve', 'ES256', offCurve.toString('base64url'), notSpki],
    ['a bare point', 'ES256', der.subarray(-65).toString('base64url'), notSpki],
    [
      'a private key',
      'ES256',
      p256.privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64url'),
      notSpki,
    ],
    ['padded', 'ES256', `${der.toString('base64url')}=`, notBase64url],
    ['in the base64 alphabet', 'ES256', `+/${der.toString('base64')}`, notBase64url],
    [
      'a PEM text',
      'ES256',
      p256.publicKey.export({ format: 'pem', type: 'spki' }).toString(),
      notBase64url,
    ],
  ])('%s for %s', (_, algorithm, public_key, message) => {
    const found = faults((document) => Object.assign(passkey(document), { algorithm, public_key }));
    expect(found).toEqual([`approvers.alex.passkeys[0].public_key: ${message}`]);
  });

  test('but not an RSA key with exponent 3', () => {
    const key = { algorithm: 'RS256', public_key: withExponent('Aw') };
    expect(faults((document) => Object.assign(passkey(document), key))).toEqual([]);
  });
});

describe('one thing belongs to one person', () => {
  const copy = (member: string) => (document: Json) => {
    document.approvers.dana.passkeys[0][member] = passkey(document)[member];
  };

  test('a credential id', () => {
    expect(faults(copy('id'))).toEqual([
      'approvers.dana.passkeys[0].id: is the same credential id as at approvers.alex.passkeys[0].id',
    ]);
  });

  test('a key, even with another id', () => {
    const found = faults((document) => {
      const { algorithm, public_key } = passkey(document);
      Object.assign(document.approvers.dana.passkeys[0], { algorithm, public_key });
    });
    expect(found).toEqual([
      'approvers.dana.passkeys[0].public_key: is the same public key as at approvers.alex.passkeys[0].public_key',
    ]);
  });

  test('a user handle, though a person’s passkeys may share it', () => {
    expect(faults(copy('user_handle'))).toEqual([
      'approvers.dana.passkeys[0].user_handle: is the user handle of another person, at approvers.alex.passkeys[0].user_handle',
    ]);
    const shared = faults((document) => {
      document.approvers.alex.passkeys[1].user_handle = passkey(document).user_handle;
    });
    expect(shared).toEqual([]);
    const none = faults((document) => {
      for (const name of ['alex', 'dana']) delete document.approvers[name].passkeys[0].user_handle;
    });
    expect(none).toEqual([]);
  });

  test('an account, by id', () => {
    const found = faults((document) => {
      document.approvers.dana.accounts[0].id = account(document).id;
    });
    expect(found).toEqual([
      'approvers.dana.accounts[0].id: is the same account as at approvers.alex.accounts[0].id',
    ]);
  });

  test('an account, by login in any case', () => {
    const found = faults((document) => {
      document.approvers.dana.accounts[0].login = 'AlexDoe';
    });
    expect(found).toEqual([
      'approvers.dana.accounts[0].login: is the same account as at approvers.alex.accounts[0].login',
    ]);
  });

  test('but the same login at another forge is another account', () => {
    const found = faults((document) => {
      const { id, login } = account(document);
      document.approvers.dana.accounts[0] = { provider: 'gitlab', id, login };
    });
    expect(found).toEqual([]);
  });

  test.each(['id', 'user_handle'])(
    'a passkey’s %s that is no plain base64url is refused',
    (member) => {
      const found = faults((document) => (passkey(document)[member] = 'AB'));
      expect(found).toEqual([
        `approvers.alex.passkeys[0].${member}: is not the plain base64url of its bytes`,
      ]);
    },
  );
});

describe('a rule is refused', () => {
  test.each<[string, Json, string]>([
    [
      'whose quorum is more than its approvers',
      { quorum: 3 },
      '.quorum: asks for 3 people, but the rule names 2',
    ],
    [
      'whose destructive quorum is more',
      { quorum_if_destructive: 3, migration_paths: ['db/**'] },
      '.quorum_if_destructive: asks for 3 people, but the rule names 2',
    ],
    [
      'whose destructive quorum is below the quorum',
      { quorum: 2, quorum_if_destructive: 1, migration_paths: ['db/**'] },
      '.quorum_if_destructive: must not be below the quorum of 2',
    ],
    ['with a quorum of none', { quorum: 0 }, '.quorum: must be at least 1'],
    ['with half a person', { quorum: 1.5 }, '.quorum: must be a whole number'],
    ['with a quorum as text', { quorum: '1' }, '.quorum: must be a whole number'],
    ['with no approvers', { approvers: [] }, '.approvers: must name at least one approver'],
    [
      'with a stranger',
      { approvers: ['alex', 'mallory'] },
      '.approvers[1]: names mallory, who is not among the approvers',
    ],
    [
      'with constructor as a stranger',
      { approvers: ['alex', 'constructor'] },
      '.approvers[1]: names constructor, who is not among the approvers',
    ],
    [
      'with a name that stands twice',
      { approvers: ['alex', 'alex'] },
      '.approvers[1]: names alex twice',
    ],
    ['with a validity of nothing', { max_age_minutes: 0 }, '.max_age_minutes: must be at least 1'],
    [
      'with self_approval as text',
      { self_approval: 'false' },
      '.self_approval: must be true or false',
    ],
    ['with an unknown rerun', { rerun: 'always' }, '.rerun: must be "never" or "same_run"'],
    [
      'with an unknown redemption',
      { redemption: 'none' },
      '.redemption: must be "required" or "run"',
    ],
    [
      'with an unknown assurance',
      { assurance: 'none' },
      '.assurance: must be "signature" or "service"',
    ],
    [
      'with a required fact that does not exist',
      { required_facts: ['digset'] },
      '.required_facts[0]: must be "repository_id" or "server" or "workflow" or "workflow_sha" or "region" or "account" or "tenant" or "cluster" or "digest" or "rollback.note"',
    ],
    ['with a null', { quorum: null }, '.quorum: must be a whole number'],
    [
      'with a member that nobody knows',
      { quorums: 2 },
      '.quorums: is not a member of this format; remove it',
    ],
  ])('%s', (_, changes, expected) => {
    expect(faults(rule(changes))).toEqual([`environments.production${expected}`]);
  });

  test('two names of one person do not make a quorum of two', () => {
    expect(faults(rule({ approvers: ['alex', 'alex'], quorum: 2 }))).toEqual([
      'environments.production.approvers[1]: names alex twice',
      'environments.production.quorum: asks for 2 people, but the rule names 1',
    ]);
  });

  test('whose approver has no account, so that self-approval could not be seen', () => {
    const change = (document: Json) => (document.approvers.alex.accounts = []);
    expect(faults(change)).toEqual([
      `approvers.alex.accounts: must name alex's account (provider, id, login), or self-approval can't be seen; or allow it in environments.production by "self_approval": true`,
    ]);
    const allowed = (document: Json) => {
      change(document);
      rule({ self_approval: true })(document);
    };
    expect(faults(allowed)).toEqual([]);
  });
});
