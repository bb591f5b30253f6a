import { canonicalText } from '../../src/core/canonical.ts';
import { compareFacts } from '../../src/core/compare.ts';
import { checkFacts, type DeployFacts } from '../../src/core/facts.ts';
import { checkJson, maxPayloadBytes, maxRecordBytes } from '../../src/core/json.ts';
import { checkPayload, parsePayloadText } from '../../src/core/payload.ts';
import { checkPolicy } from '../../src/core/policy.ts';
import { checkRecord } from '../../src/core/record.ts';
import type { Checked } from '../../src/core/verdict.ts';
import { createEvidence, createWorld } from '../../__tests__/support/approvals.ts';
import { exampleFacts, examplePayload, minimalFacts } from '../../__tests__/support/deploy.ts';
import { withValue, type Path } from '../../__tests__/support/paths.ts';

/** What a strict reader refuses though many readers take it, in hex where UTF-8 can't hold it. */
const texts: Readonly<Record<string, string | Uint8Array>> = {
  'a member twice': '{"a":"1","a":"2"}',
  'a member twice after unescaping': '{"a":"1","\\u0061":"2"}',
  'a member twice, deep inside': '{"a":[{"b":"1","b":"1"}]}',
  'a byte order mark': '\uFEFF{}',
  'invalid UTF-8': Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d]),
  'an overlong form in UTF-8': Buffer.from([0x22, 0xc0, 0xaf, 0x22]),
  'a lone surrogate, escaped': '{"a":"\\uD800"}',
  'a lone surrogate in a member name': '{"\\uDC00":"a"}',
  'a member named __proto__': '{"__proto__":{"a":"b"}}',
  'nine levels': '[[[[[[[[[]]]]]]]]]',
  'a comment': '{"a":"b"} // c',
  'a comma too many': '{"a":"b",}',
  'two documents': '{}{}',
  nothing: '',
  'a whole number beyond 2^53': '[9007199254740993]',
  'a number that overflows': '[1e999]',
  'a number that underflows': '[1e-999]',
  NaN: '[NaN]',
  'a leading zero': '[01]',
  'a control character in a string': '["\u0001"]',
  'a single-quoted string': "['a']",
};

/** A change of a document: the value at a path, or undefined to take it away. */
type Change = readonly [path: Path, value: unknown];

const facts = exampleFacts();
const sha256 = 'c'.repeat(64);

/** Refused by the schema alone: a JSON Schema says the same. */
const byFactsSchema: Readonly<Record<string, Change>> = {
  'an unknown member': [['priority'], 'high'],
  'null for an absent fact': [['region'], null],
  'an empty optional fact': [['region'], ''],
  'a number for a decimal': [['run_id'], 9876543210],
  'a leading zero': [['run_id'], '0123'],
  'another version': [['schema'], 'deploy-facts/v2'],
  'no version': [['schema'], undefined],
  'no migration': [['migration'], undefined],
  'no rollback': [['rollback'], undefined],
  'an abbreviated commit': [['commit'], 'fc19318'],
  'a commit in capitals': [['commit'], facts.commit.toUpperCase()],
  'a commit of zeros': [['commit'], '0'.repeat(40)],
  'a branch for a ref': [['ref'], 'main'],
  'a ref with two dots': [['ref'], 'refs/heads/a..b'],
  'a digest without its algorithm': [['digest'], sha256],
  'an environment with a blank at the end': [['environment'], 'production '],
  'an environment in Cyrillic': [['environment'], 'рroduction'],
  'a service with a slash at the end': [['service'], 'shop/'],
  'a server with a slash at the end': [['server'], 'https://github.com/'],
  'an actor of no known type': [['actor', 'type'], 'robot'],
  'a login with a blank': [['actor', 'login'], 'alex doe'],
  'an id of capitals': [['actor', 'id'], 'ABC'],
  'a migration of no known kind': [['migration', 'kind'], 'maybe'],
  'a migration without files': [['migration', 'files'], []],
  'a migration path that leaves the repository': [['migration', 'files', 0, 'path'], '../x.sql'],
  'an absolute migration path': [['migration', 'files', 0, 'path'], '/x.sql'],
  'a backslash in a migration path': [['migration', 'files', 0, 'path'], 'db\\x.sql'],
  'a text of two lines': [['migration', 'command'], 'a\nb'],
  'a blank at the end of a text': [['rollback', 'note'], 'a '],
  'a no-break space': [['rollback', 'note'], 'a\u00A0b'],
  'an empty text': [['rollback', 'note'], ''],
  'a text of 501 characters': [['rollback', 'note'], 'x'.repeat(501)],
};

/** Refused by a rule that a JSON Schema can't say. */
const byFactsRule: Readonly<Record<string, Change>> = {
  'a broad label': [['environment'], 'LATEST'],
  'a rollback to anything': [['rollback', 'value'], 'latest'],
  'a rollback to the commit that is deployed': [['rollback', 'value'], facts.commit],
  'a rollback to an abbreviation of that commit': [['rollback', 'value'], facts.commit.slice(0, 7)],
  'a migration file twice': [['migration', 'files', 1], { path: 'db/001.sql', sha256 }],
  'a migration of kind other that is not destructive': [
    ['migration'],
    { ...facts.migration, kind: 'other', destructive: false },
  ],
  'statements without destruction': [['migration', 'destructive'], false],
  'an overriding direction': [['rollback', 'note'], 'a\u202Eb'],
  'a blank of no width': [['rollback', 'note'], 'a\u200Bb'],
  'a variation selector': [['rollback', 'note'], 'a\uFE0Fb'],
  'a tag character': [['rollback', 'note'], 'a\u{E0041}b'],
  'a decomposed character': [['rollback', 'note'], 'u\u0308'],
  'a private key': [['rollback', 'note'], '-----BEGIN EC PRIVATE KEY-----'],
  'a password in a URL': [['migration', 'command'], 'psql postgres://x:hunter22@db/shop'],
};

const byPayloadSchema: Readonly<Record<string, Change>> = {
  'another version': [['schema'], 'deploy-approval/v2'],
  'a request id in capitals': [['request_id'], '0123456789ABCDEF0123456789ABCDEF'],
  'a time with a fraction': [['requested_at'], '2026-11-22T10:00:00.000Z'],
  'a time with an offset': [['expires_at'], '2026-11-22T12:00:00+01:00'],
  'no context': [['context'], undefined],
  'an unknown member of the context': [['context', 'link'], 'https://example.com'],
  'facts that are not acceptable': [['facts', 'commit'], 'HEAD'],
};

const byPayloadRule: Readonly<Record<string, Change>> = {
  'a day that is in no calendar': [['expires_at'], '2026-11-31T10:00:00Z'],
  'an end before the beginning': [['expires_at'], '2026-11-22T10:00:00Z'],
  'facts with a broad label': [['facts', 'service'], 'all'],
  'a token in the reason': [['context', 'reason'], 'Bearer abcdefghijklmnopqrstuvwxyz'],
};

const { record, policy } = recordAndPolicy();
const decision = record.decisions[0];

function recordAndPolicy() {
  const evidence = createEvidence(createWorld());
  if (evidence.policy === undefined) throw new Error('The evidence has no policy.');
  return { record: evidence.record, policy: evidence.policy };
}

const byRecordSchema: Readonly<Record<string, Change>> = {
  'another version': [['schema'], 'approval-record/v2'],
  'an unknown member': [['note'], 'x'],
  'no decision': [['decisions'], []],
  'a hash in capitals': [['payload_hash'], 'A'.repeat(64)],
  'an id that is no UUID': [['decisions', 0, 'id'], '1'],
  'a decision that is none': [['decisions', 0, 'decision'], 'maybe'],
  'a nonce of 31 bytes': [['decisions', 0, 'nonce'], Buffer.alloc(31).toString('base64url')],
  'a nonce with stray bits': [['decisions', 0, 'nonce'], `${'A'.repeat(42)}B`],
  'padding in base64url': [['decisions', 0, 'assertion', 'response', 'signature'], 'AA=='],
  'an extension result': [['decisions', 0, 'assertion', 'clientExtensionResults', 'appid'], true],
  'an unknown redemption': [['redemption', 'state'], 'maybe'],
};

const byRecordRule: Readonly<Record<string, Change>> = {
  'the same confirmation twice': [['decisions'], [decision, decision]],
};

const passkey = ['approvers', 'alex', 'passkeys', 0] as const;
const production = ['environments', 'production'] as const;

const byPolicySchema: Readonly<Record<string, Change>> = {
  'another version': [['schema'], 'approval-policy/v2'],
  'services as a list': [[...production, 'services'], ['api']],
  'a service within a service': [[...production, 'services'], { api: { services: {} } }],
  'a group of nobody': [[...production, 'groups'], { owners: { people: [] } }],
  'a ref that is none': [[...production, 'refs'], ['main']],
  'no ref at all': [[...production, 'refs'], []],
  'an event in capitals': [[...production, 'triggers'], ['Push']],
  'a runner of no known kind': [[...production, 'runners'], ['github']],
  'a freeze without a reason': [
    [...production, 'no_deploys'],
    [{ from: '2026-12-24T00:00:00Z', to: '2026-12-27T00:00:00Z' }],
  ],
  'an address that is none': [['approvers', 'alex', 'accounts', 0, 'emails'], ['alex']],
  'an issuer of nobody': [['issuers'], [{ provider: 'jenkins', issuer: 'https://ci.example' }]],
  'a quorum of none': [[...production, 'quorum'], 0],
  'nobody who approves': [[...production, 'approvers'], []],
  'no people': [['approvers'], {}],
  'no environments': [['environments'], {}],
  'an algorithm that is not ours': [[...passkey, 'algorithm'], 'RS1'],
  'a required fact that is never absent': [[...production, 'required_facts'], ['commit']],
};

const byPolicyRule: Readonly<Record<string, Change>> = {
  'an origin without TLS': [['relying_party', 'origin'], 'http://approve.example.com'],
  'an origin with a path': [['relying_party', 'origin'], 'https://approve.example.com/'],
  'an id that is no suffix of the host': [['relying_party', 'id'], 'example.org'],
  'a quorum above the number of people': [[...production, 'quorum'], 3],
  'an approver who is nobody': [
    [...production, 'approvers'],
    ['alex', 'eve'],
  ],
  'a key of another algorithm': [[...passkey, 'algorithm'], 'EdDSA'],
  'a credential id of two people': [[...passkey, 'id'], policy.approvers.dana?.passkeys[0]?.id],
  'a person without an account': [['approvers', 'alex', 'accounts'], []],
  'a glob with braces': [[...production, 'refs'], ['refs/heads/{a,b}']],
  'a group with strangers': [[...production, 'groups'], { owners: { people: ['kim'] } }],
  'a quorum for destructive migrations, and nowhere to find them': [
    [...production, 'quorum_if_destructive'],
    2,
  ],
  'a pull request that is a trigger and not allowed': [
    [...production, 'triggers'],
    ['pull_request'],
  ],
  'a freeze that ends before it begins': [
    [...production, 'no_deploys'],
    [{ from: '2026-12-27T00:00:00Z', to: '2026-12-24T00:00:00Z', reason: 'Rest' }],
  ],
  'authors who may not approve, and no addresses of theirs': [
    [...production, 'not_by_commit_authors'],
    true,
  ],
  'an issuer without TLS': [['issuers'], [{ provider: 'github', issuer: 'http://ci.example' }]],
  'an issuer with a slash at the end': [
    ['issuers'],
    [{ provider: 'gitlab', issuer: 'https://gitlab.com/' }],
  ],
  'an environment that is a broad label': [['environments', 'all'], { approvers: ['alex'] }],
};

interface Kind {
  readonly kind: 'facts' | 'payload' | 'record' | 'policy';
  readonly document: unknown;
  readonly check: (value: unknown) => Checked<unknown>;
  readonly changes: Readonly<Record<'schema' | 'rule', Readonly<Record<string, Change>>>>;
}

const kinds: readonly Kind[] = [
  {
    ...{ kind: 'facts', document: facts, check: checkFacts },
    changes: { schema: byFactsSchema, rule: byFactsRule },
  },
  {
    ...{ kind: 'payload', document: examplePayload(), check: checkPayload },
    changes: { schema: byPayloadSchema, rule: byPayloadRule },
  },
  {
    ...{ kind: 'record', document: record, check: checkRecord },
    changes: { schema: byRecordSchema, rule: byRecordRule },
  },
  {
    ...{ kind: 'policy', document: policy, check: checkPolicy },
    changes: { schema: byPolicySchema, rule: byPolicyRule },
  },
];

function refusedTexts(): readonly object[] {
  return Object.entries(texts).map(([name, text]) => {
    if (checkJson(text, { maxBytes: maxPayloadBytes }).ok)
      throw new Error(`"${name}" is accepted.`);
    return { kind: 'json', name, by: 'reader', hex: Buffer.from(text).toString('hex') };
  });
}

function refusedDocuments({ kind, document, check, changes }: Kind): readonly object[] {
  return (['schema', 'rule'] as const).flatMap((by) =>
    Object.entries(changes[by]).map(([name, [path, value]]) => {
      const text = JSON.stringify(withValue(document, path, value));
      const read = checkJson(text, { maxBytes: maxRecordBytes });
      const checked = read.ok ? check(read.value) : read;
      if (checked.ok) throw new Error(`${kind} "${name}" is accepted.`);
      const fields = [...new Set(checked.problems.map(({ field }) => field))].sort();
      return { kind, name, by, text, fields };
    }),
  );
}

/** A payload text must be its own RFC 8785 form. */
function otherForms(): readonly object[] {
  const text = canonicalText(examplePayload());
  const forms = {
    'a blank after a colon': text.replace(':', ': '),
    'members in another order': JSON.stringify(examplePayload()),
    'an escape that is not needed': text.replace('Größe', 'Gr\\u00f6\\u00dfe'),
    'a line feed at the end': `${text}\n`,
  };
  return Object.entries(forms).map(([name, form]) => {
    if (parsePayloadText(form).ok) throw new Error(`The payload text with ${name} is accepted.`);
    return { kind: 'payload text', name, by: 'rule', text: form, fields: [''] };
  });
}

/** Bytes and documents that must be refused, with what refuses them and the fields it names. */
export function refusalVectors(): readonly object[] {
  return [...refusedTexts(), ...kinds.flatMap(refusedDocuments), ...otherForms()];
}

/** Facts that were signed beside facts that are about to run, with each difference between them. */
export function comparisonVectors(): readonly object[] {
  const signed: DeployFacts = exampleFacts();
  const other = (path: Path, value: unknown) => withValue(signed, path, value);
  const finals: Readonly<Record<string, DeployFacts>> = {
    'the same': signed,
    'the members in another order': Object.fromEntries(
      Object.entries(signed).reverse(),
    ) as unknown as DeployFacts,
    'another commit': other(['commit'], 'd'.repeat(40)),
    'case is a fact': other(['environment'], 'Production'),
    'blanks are a fact': other(['migration', 'command'], 'npm  run migrate'),
    'a fact that is gone': other(['region'], undefined),
    'another attempt, by somebody': {
      ...signed,
      run_attempt: '2',
      actor: { ...signed.actor, triggered_by: 'danaroe' },
    },
    'files in another order': other(
      ['migration', 'files'],
      signed.migration.kind === 'none' ? [] : [...signed.migration.files].reverse(),
    ),
    'one file more': other(['migration', 'files', 2], { path: 'db/003.sql', sha256 }),
    'no migration': other(['migration'], { kind: 'none' }),
    'everything optional is gone': minimalFacts(),
  };
  return Object.entries(finals).map(([name, final]) => ({
    name,
    signed,
    final,
    differences: compareFacts(signed, final),
  }));
}
