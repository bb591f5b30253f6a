import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonicalText } from '../../src/core/canonical.ts';
import { Fault } from '../../src/core/fault.ts';
import {
  buildPayload,
  checkPayload,
  parsePayloadText,
  payloadAction,
} from '../../src/core/payload.ts';
import { arbitraryFacts, exampleFacts, examplePayload, minimalFacts } from '../support/deploy.ts';
import { leafPaths, objectPaths, withValue, written } from '../support/paths.ts';
import { secretSamples } from '../support/secrets.ts';

const hour = 3_600_000;
const now = Date.UTC(2026, 10, 22, 10);

function problemsOf(checked: ReturnType<typeof checkPayload>) {
  return checked.ok ? [] : checked.problems.map(({ field, message }) => `${field}: ${message}`);
}
const fieldsOf = (value: unknown) => {
  const checked = checkPayload(value);
  return checked.ok ? [] : [...new Set(checked.problems.map(({ field }) => field))];
};

describe('an acceptable payload', () => {
  test('with and without a reason', () => {
    expect(checkPayload(examplePayload())).toEqual({ ok: true, value: examplePayload() });
    expect(fieldsOf({ ...examplePayload(), context: {} })).toEqual([]);
  });

  test('property: text and value are the same thing', () => {
    const times = fc.integer({ min: 0, max: 10 ** 9 });
    fc.assert(
      fc.property(arbitraryFacts, times, fc.boolean(), (facts, seconds, hasReason) => {
        const payload = buildPayload({
          facts,
          requestId: '0'.repeat(32),
          requestedAt: seconds * 1000,
          expiresAt: seconds * 1000 + hour,
          reason: hasReason ? 'because' : undefined,
        });
        expect(parsePayloadText(canonicalText(payload))).toEqual({ ok: true, value: payload });
      }),
    );
  });
});

describe('refused, with field and rule', () => {
  test.each([
    ['schema', ['deploy-approval/v2', 'deploy-facts/v1', '']],
    [
      'request_id',
      ['', '0'.repeat(31), '0'.repeat(33), 'A'.repeat(32), 'g'.repeat(32), `${'0'.repeat(32)}\n`],
    ],
    [
      'requested_at',
      ['', '2026-11-22T10:00:00+00:00', '2026-11-22T10:00:00.000Z', '2026-02-30T10:00:00Z', 'now'],
    ],
    [
      'expires_at',
      [
        '',
        '2026-11-22',
        '2026-11-22T24:00:00Z',
        '2026-11-22T10:00:00Z',
        '2026-11-22T09:59:59Z',
        '1999-01-01T00:00:00Z',
      ],
    ],
    ['context', [null, 'because', []]],
    ['facts', [null, 'x', []]],
  ])('%s: %j', (field, values) => {
    for (const value of values)
      expect(fieldsOf({ ...examplePayload(), [field]: value })).toContain(field);
  });

  test.each(['', ' x', 'x\ny', '\u202ex', 'x'.repeat(501), 'e\u0301', null, 1, {}])(
    'a reason: %j',
    (reason) => {
      expect(fieldsOf({ ...examplePayload(), context: { reason } })).toEqual(['context.reason']);
    },
  );

  test('the window: one second is enough, none is not', () => {
    const until = (expires_at: string) =>
      problemsOf(checkPayload({ ...examplePayload(), expires_at }));
    expect(until('2026-11-22T10:00:01Z')).toEqual([]);
    expect(until('2026-11-22T10:00:00Z')).toEqual(['expires_at: must be later than requested_at']);
  });

  test.each(objectPaths(examplePayload()).map((object) => [written(object), object] as const))(
    'a member that the format does not know, in %j',
    (field, object) => {
      const unknown = field === '' ? 'approved' : `${field}.approved`;
      expect(fieldsOf(withValue(examplePayload(), [...object, 'approved'], 'true'))).toEqual([
        unknown,
      ]);
    },
  );

  test.each(['schema', 'request_id', 'facts', 'requested_at', 'expires_at', 'context'])(
    'missing: %s',
    (field) => {
      expect(fieldsOf(withValue(examplePayload(), [field], undefined))).toEqual(
        field === 'facts' ? ['facts'] : [field],
      );
    },
  );

  test('rules between facts hold here too, and all problems come at once', () => {
    const { commit } = exampleFacts();
    const facts = {
      ...exampleFacts(),
      service: 'latest',
      rollback: { kind: 'version', value: commit },
    };
    expect(fieldsOf({ ...examplePayload(), facts, requested_at: 'now', request_id: 7 })).toEqual([
      'request_id',
      'facts.service',
      'requested_at',
      'facts.rollback.value',
    ]);
  });

  test('a secret in the reason, the ids and the times is refused and not shown', () => {
    for (const field of [
      ['context', 'reason'],
      ['request_id'],
      ['requested_at'],
      ['expires_at'],
      ['schema'],
    ]) {
      for (const [rule, secret] of secretSamples) {
        const problems = problemsOf(checkPayload(withValue(examplePayload(), field, secret)));
        expect(problems.join()).toContain(`${field.join('.')}: looks like a secret (${rule}`);
        expect(problems.join()).not.toContain(secret.slice(-8));
      }
    }
  });

  test('more than 64 KiB', () => {
    const files = (count: number) =>
      Array.from({ length: count }, (_, i) => ({
        path: `db/${'x'.repeat(400)}${i}.sql`,
        sha256: 'a'.repeat(64),
      }));
    const withFiles = (count: number) =>
      withValue(examplePayload(), ['facts', 'migration', 'files'], files(count));
    expect(fieldsOf(withFiles(120))).toEqual([]);
    const bytes = Buffer.byteLength(canonicalText(withFiles(140)));
    expect(problemsOf(checkPayload(withFiles(140)))).toEqual([
      `: is too large: ${bytes} bytes, the limit is 65536; deploy fewer migration files at once`,
    ]);
  });

  test('exactly 64 KiB is not too large, one byte more is', () => {
    const padded = (last: number) =>
      withValue(
        examplePayload(),
        ['facts', 'migration', 'statements'],
        [...Array.from({ length: 127 }, () => 'ä'.repeat(250)), 'x'.repeat(last)],
      );
    const ofBytes = (bytes: number) =>
      padded(1 + bytes - Buffer.byteLength(canonicalText(padded(1))));
    expect(Buffer.byteLength(canonicalText(ofBytes(65_536)))).toBe(65_536);
    expect(problemsOf(checkPayload(ofBytes(65_536)))).toEqual([]);
    expect(problemsOf(checkPayload(ofBytes(65_537)))).toEqual([
      ': is too large: 65537 bytes, the limit is 65536; deploy fewer migration files at once',
    ]);
  });

  test.each([undefined, null, 1, 'x', [], {}, [examplePayload()]])(
    'no payload at all: %p',
    (value) => {
      expect(checkPayload(value).ok).toBe(false);
    },
  );
});

describe('parsePayloadText', () => {
  const text = canonicalText(examplePayload());

  test.each([
    ['a blank more', text.replace(':', ': ')],
    ['a line feed at the end', `${text}\n`],
    ['pretty printed', JSON.stringify(examplePayload(), null, 2)],
    ['members in another order', JSON.stringify(examplePayload())],
    ['an escape that need not be', text.replace('"api"', '"\\u0061pi"')],
    ['an escaped slash', text.replace('acme/shop', 'acme\\/shop')],
    ['an escaped letter beyond ASCII', text.replace('ß', '\\u00df')],
  ])('refused, because other bytes were signed: %s', (_, other) => {
    expect(JSON.parse(other)).toEqual(examplePayload());
    expect(problemsOf(parsePayloadText(other))).toEqual([
      ': is not in its canonical form (RFC 8785): other bytes than these were signed',
    ]);
  });

  test.each([
    ['nothing', '', 'Expected a value'],
    ['a byte order mark', `\ufeff${text}`, 'A byte order mark'],
    ['a member twice', text.replace('{', '{"schema":"deploy-approval/v1",'), 'stands twice'],
    ['__proto__', text.replace('{', '{"__proto__":{},'), '__proto__'],
    ['cut short', text.slice(0, -1), 'Expected "," or "}"'],
    ['more than 64 KiB', `${text}${' '.repeat(65_536)}`, 'Too large'],
    ['too deep', '['.repeat(9), 'Nested deeper'],
  ])('refused, because it is not strict JSON: %s', (_, other, problem) => {
    const [found] = problemsOf(parsePayloadText(other));
    expect(found).toContain(problem);
  });

  test('refused: canonical, but not acceptable', () => {
    const payload = withValue(examplePayload(), ['facts', 'commit'], 'main');
    expect(problemsOf(parsePayloadText(canonicalText(payload)))).toEqual([
      expect.stringMatching(/^facts\.commit: /),
    ]);
  });

  test('property: no other text than its own is accepted for a payload', () => {
    const anywhere = fc.nat(text.length);
    fc.assert(
      fc.property(
        anywhere,
        fc.constantFrom(' ', '\n', '\t', '\\', '"', ',', '0', 'a'),
        (at, inserted) => {
          const other = text.slice(0, at) + inserted + text.slice(at);
          const checked = parsePayloadText(other);
          if (checked.ok) expect(checked.value).not.toEqual(examplePayload());
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('buildPayload', () => {
  const options = {
    facts: minimalFacts(),
    requestId: '0123456789abcdef0123456789abcdef',
    requestedAt: now + 999,
    expiresAt: now + hour,
  };

  test('whole seconds; a reason only where there is one', () => {
    const payload = buildPayload(options);
    expect(payload).toEqual({
      schema: 'deploy-approval/v1',
      request_id: options.requestId,
      facts: minimalFacts(),
      requested_at: '2026-11-22T10:00:00Z',
      expires_at: '2026-11-22T11:00:00Z',
      context: {},
    });
    expect(buildPayload({ ...options, reason: 'because' }).context).toEqual({ reason: 'because' });
  });

  test.each([
    [{ reason: 'a\nb' }, 'context.reason'],
    [{ reason: '' }, 'context.reason'],
    [{ requestId: 'x' }, 'request_id'],
    [{ expiresAt: now }, 'expires_at'],
    [{ facts: { ...minimalFacts(), service: 'latest' } }, 'facts.service'],
  ])('throws payload_invalid, with the problems: %j', (change, field) => {
    let thrown;
    try {
      buildPayload({ ...options, ...change });
    } catch (error) {
      thrown = error;
    }
    if (!(thrown instanceof Fault)) throw new Error('no Fault');
    expect(thrown.code).toBe('payload_invalid');
    expect(thrown.message).toContain(`${field}: must`);
    expect(thrown.details.problems).toEqual([{ field, message: expect.any(String) }]);
  });

  test('a refusal is a whole sentence with a line for each problem', () => {
    expect(() => buildPayload({ ...options, expiresAt: now, requestId: 'x' })).toThrow(
      new Fault(
        'payload_invalid',
        "These deploy facts can't be put to a person:\nrequest_id: must be 32 lower-case hex digits\nexpires_at: must be later than requested_at",
      ),
    );
  });

  test('what is new, only where it is given', () => {
    const changes = { commits: [], incomplete: true } as const;
    expect(buildPayload({ ...options, changes }).context).toEqual({ changes });
    expect(buildPayload({ ...options, changes, reason: 'because' }).context).toEqual({
      changes,
      reason: 'because',
    });
  });
});

test('payloadAction', () => {
  expect(payloadAction(exampleFacts())).toBe('Deploy api to production');
  expect(payloadAction({ service: '@acme/api', environment: 'Production (EU)' })).toBe(
    'Deploy @acme/api to Production (EU)',
  );
});

test('every field of the example is covered by these tables', () => {
  expect(
    leafPaths(examplePayload())
      .map(written)
      .filter((field) => !field.startsWith('facts.')),
  ).toEqual(['schema', 'request_id', 'requested_at', 'expires_at', 'context.reason']);
});
