import { circumstancesSchema, type Circumstances } from '../../src/core/circumstances.ts';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { meaningOf, type Phase } from '../../src/client/phases.ts';
import {
  confirmationSchema,
  confirmationStatuses,
  createAnswerSchema,
  createBodySchema,
  errorSchema,
  redemptionAnswerSchema,
  redemptionBodySchema,
} from '../../src/core/api.ts';
import { canonicalText } from '../../src/core/canonical.ts';
import {
  approvalChallenge,
  rejectionChallenge,
  revocationChallenge,
} from '../../src/core/challenge.ts';
import { checkFacts, deployFactsSchema, type DeployFacts } from '../../src/core/facts.ts';
import { fingerprint } from '../../src/core/fingerprint.ts';
import { documentHash, sha256Hex } from '../../src/core/hash.ts';
import { maxPayloadBytes, maxRecordBytes, parseJson } from '../../src/core/json.ts';
import {
  checkPayload,
  parsePayloadText,
  payloadAction,
  payloadSchema,
} from '../../src/core/payload.ts';
import { checkPolicy, policyHash, type Policy } from '../../src/core/policy.ts';
import { policyParts } from '../../src/core/policy-format.ts';
import { parseRecordText, type ApprovalRecord } from '../../src/core/record.ts';
import { broadLabels } from '../../src/core/text.ts';
import { exitCodes, verdictSchema } from '../../src/core/verdict.ts';
import { verifyApproval } from '../../src/core/verify.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(resolve(root, path), 'utf8');
const protocol = read('docs/PROTOCOL.md');

/** The examples by the name behind their language. */
const examples = new Map(
  [...protocol.matchAll(/^```(?:json|text) (\S+)\n([\s\S]*?)\n```$/gm)].map(([, name, text]) => [
    name!,
    text!,
  ]),
);

function example(name: string): string {
  const text = examples.get(name);
  if (text === undefined) throw new Error(`docs/PROTOCOL.md has no example "${name}".`);
  return text;
}

const parsed = (name: string) => parseJson(example(name), { maxBytes: maxRecordBytes });

/** The text of a section, by the beginning of its heading. */
function section(heading: string): string {
  const found = protocol.split(/^#{2,3} /m).find((text) => text.startsWith(heading));
  if (found === undefined) throw new Error(`docs/PROTOCOL.md has no section "${heading}".`);
  return found;
}

/** The cells of the rows of a section's tables, without headings. */
function rows(heading: string): readonly (readonly string[])[] {
  return [...section(heading).matchAll(/^\| (.*) \|$/gm)]
    .map(([, cells]) => cells!.split(' | ').map((cell) => cell.trim()))
    .filter(([first]) => !/^-+$/.test(first ?? ''));
}

const codesIn = (text = '') => [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code!);

describe('the worked example', () => {
  const facts = parsed('deploy-facts/v1') as unknown as DeployFacts;
  const text = example('canonical');
  const record = parsed('approval-record/v1') as unknown as ApprovalRecord;
  const policy = parsed('approval-policy/v1') as unknown as Policy;

  test('facts and payload are acceptable, and one holds the other', () => {
    expect(checkFacts(facts).ok).toBe(true);
    const payload = checkPayload(parsed('deploy-approval/v1'));
    expect(payload.ok && payload.value.facts).toEqual(facts);
  });

  test('the payload has the bytes, the hash and the fingerprint of the page', () => {
    expect(canonicalText(parsed('deploy-approval/v1'))).toBe(text);
    expect(parsePayloadText(text).ok).toBe(true);
    expect(protocol).toContain(`has ${Buffer.byteLength(text)} bytes`);
    expect(sha256Hex(text)).toBe(example('payload_hash'));
    expect(section('2. Bytes')).toContain(`\`${fingerprint(example('payload_hash'))}\``);
  });

  test('the challenges are those of the code', () => {
    const vector = parsed('challenges') as Record<string, string>;
    const nonce = Buffer.from(vector.nonce!, 'hex');
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
    expect(vector.payload_hash).toBe(sha256Hex(''));
    expect(vector.approval).toBe(hex(approvalChallenge(nonce, vector.payload_hash!)));
    expect(vector.rejection).toBe(hex(rejectionChallenge(nonce, vector.payload_hash!)));
    expect(vector.revocation).toBe(hex(revocationChallenge(nonce, vector.payload_hash!)));
    const lengths = [vector.approval, vector.rejection, vector.revocation, '0'.repeat(64)];
    expect(
      rows('5. Challenges')
        .slice(1)
        .map(([, bytes]) => Number(bytes)),
    ).toEqual(lengths.map((each) => each!.length / 2));
  });

  test('the record is acceptable, and its evidence gives the verdict of the page', () => {
    expect(parseRecordText(example('approval-record/v1')).ok).toBe(true);
    expect(record.payload).toBe(text);
    expect(checkPolicy(policy).ok).toBe(true);
    expect(policyHash(policy)).toBe(example('policy_sha256'));
    const now = Date.parse('2026-11-22T10:10:00Z');
    const { circumstances } = parsed('verdict/v1') as { circumstances: Circumstances };
    const verdict = verifyApproval({
      ...{ policy, record, finalFacts: facts, circumstances, now },
      step: 'verify',
    });
    expect(verdict).toEqual(parsed('verdict/v1'));
    expect(verdictSchema.safeParse(parsed('verdict/v1')).success).toBe(true);
    expect(verdict.reason_code).toBe('approved');
  });

  test('by one changed byte in the record it is refused', () => {
    const changed = example('approval-record/v1').replace(
      'release of Tuesday',
      'release of Tuesdax',
    );
    const other = parseRecordText(changed);
    if (!other.ok) throw new Error('The changed record has another form.');
    const now = Date.parse('2026-11-22T10:10:00Z');
    const { circumstances } = parsed('verdict/v1') as { circumstances: Circumstances };
    const evidence = {
      policy,
      circumstances,
      record: other.value,
      finalFacts: facts,
      now,
      step: 'verify',
    } as const;
    expect(verifyApproval(evidence).reason_code).toBe('facts_mismatch');
  });

  test('the bodies of the API are about the same request', () => {
    const create = createBodySchema.parse(parsed('create'));
    expect(canonicalText(create.payload)).toBe(text);
    expect(create.action).toBe(payloadAction(facts));
    const [decision] = record.decisions;
    const answer = createAnswerSchema.parse(parsed('create-answer'));
    expect(answer).toMatchObject({ id: decision?.id, nonce: decision?.nonce });
    const confirmation = confirmationSchema.parse(parsed('confirmation'));
    expect(confirmation.rawAssertion).toEqual(decision?.assertion);
    expect(documentHash(confirmation.payload)).toBe(confirmation.payloadHash);
    const redemption = redemptionBodySchema.parse(parsed('redemption'));
    expect(redemption).toMatchObject({ runId: facts.run_id, runAttempt: facts.run_attempt });
    const redeemed = redemptionAnswerSchema.parse(parsed('redemption-answer'));
    for (const { payloadHash } of [answer, confirmation, redemption, redeemed]) {
      expect(payloadHash).toBe(example('payload_hash'));
    }
    expect(errorSchema.safeParse(parsed('error')).success).toBe(true);
  });

  test('every example on the page is read by a test', () => {
    const fences = [...protocol.matchAll(/^```[a-z]/gm)];
    expect(examples.size).toBe(fences.length);
    const source = read('__tests__/docs/protocol.test.ts');
    for (const name of examples.keys()) expect(source).toContain(`'${name}'`);
  });
});

describe('the tables', () => {
  test('the facts have the members of the schema, required and optional', () => {
    const documented = rows('3. Deploy facts')
      .slice(1)
      .flatMap(([names, need]) => codesIn(names).map((name) => [name, need === 'required']));
    const { shape } = deployFactsSchema;
    const actual = Object.entries(shape).map(([name, schema]) => [
      name,
      schema.type !== 'optional',
    ]);
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(actual));
    for (const label of broadLabels) expect(section('3. Deploy facts')).toContain(`\`${label}\``);
  });

  test('the payload has the members of the schema', () => {
    const documented = rows('4. Payload')
      .slice(1)
      .map(([name]) => codesIn(name)[0]);
    expect(documented).toEqual(Object.keys(payloadSchema.shape));
  });

  test('a rule has the members of the schema, and the optional facts', () => {
    const documented = rows('8. Policy')
      .slice(1)
      .map(([name]) => codesIn(name)[0]);
    expect(documented).toEqual(Object.keys(policyParts.rule.shape));
    expect(Object.keys(policyParts.serviceRule.shape)).toEqual(
      documented.filter((name) => name !== 'services'),
    );
    const required = rows('8. Policy').find(([name]) => name === '`required_facts`')?.[2];
    const { options } = policyParts.rule.shape.required_facts.unwrap().element;
    expect(codesIn(required)).toEqual(options);
  });

  test('the circumstances have the members of the schema', () => {
    const documented = rows('9. Verdict')
      .slice(1)
      .map(([name]) => codesIn(name)[0]);
    expect(documented).toEqual(Object.keys(circumstancesSchema.shape));
  });

  test('the limits are those of the code', () => {
    const limits = rows('2. Bytes')
      .slice(1)
      .map(([, bytes]) => Number(bytes));
    expect(limits).toEqual([maxPayloadBytes, maxRecordBytes, maxPayloadBytes + 4096, 8192]);
    expect(read('src/service/http.ts')).toContain('maxBodyBytes = maxPayloadBytes + 4096');
  });

  test('the reason and exit codes are the closed set', () => {
    const documented = rows('11. Reason')
      .slice(1)
      .flatMap(([exit, codes]) => codesIn(codes).map((code) => [code, Number(exit)]));
    expect(Object.fromEntries(documented)).toEqual(exitCodes);
  });

  test('every refusal of the verifying steps is a reason code', () => {
    const codes = rows('10. Verifying').flatMap((cells) => codesIn(cells.at(-1)));
    expect(codes.length).toBeGreaterThan(20);
    for (const code of codes) expect(Object.keys(exitCodes)).toContain(code);
  });

  test('the statuses are the closed list', () => {
    expect(codesIn(section('States').split('\n| ')[0])).toEqual(confirmationStatuses);
  });

  test('what a client makes of each status is what the code makes of it', () => {
    const [head = [], ...table] = rows('13. What a client');
    const phases = head.slice(1) as Phase[];
    expect(phases).toEqual(['create', 'wait', 'fetch', 'redeem']);
    const documented = new Set<number>();
    for (const [statuses = '', ...cells] of table) {
      const [from = 0, to = from] = statuses.split(' to ').map(Number);
      for (let status = from; status <= to; status += 1) {
        documented.add(status);
        const meanings = phases.map((phase) => meaningOf(status, phase));
        expect([status, ...meanings]).toEqual([
          status,
          ...cells.map((cell) => codesIn(cell)[0] ?? (cell === 'again' ? 'passing' : cell)),
        ]);
      }
    }
    for (let status = 100; status < 700; status += 1) {
      if (documented.has(status)) continue;
      for (const phase of phases) expect(meaningOf(status, phase)).toBe('service_misbehaved');
    }
  });
});

describe('the API', () => {
  interface Operation {
    readonly 'x-key': string;
    readonly 'x-documented': boolean;
    readonly responses: Readonly<Record<string, { readonly 'x-codes'?: readonly string[] }>>;
  }
  const { paths } = JSON.parse(read('openapi.json')) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  };
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );

  test('has the calls of the OpenAPI document, with their keys and good answers', () => {
    const documented = rows("12. The service's API").slice(1);
    const described = operations.map(({ path, method, operation }) => {
      const good = Object.keys(operation.responses).filter((status) => status < '300');
      const call = `\`${method.toUpperCase()} ${path.replace('{id}', ':id')}\``;
      const group = operation['x-documented'] ? 'documented' : 'extension';
      return [call, group, operation['x-key'], ...good.sort()].join(' ');
    });
    const stated = documented.map(([call, group, key, answer = '']) => {
      // "201, a client takes 200 too" is about other services.
      const good = answer.replace(/, a client.*/, '').match(/\d+/g) ?? [];
      return [call, group, key, ...good.sort()].join(' ');
    });
    expect(stated.sort()).toEqual(described.sort());
  });

  const documented = new Set(
    rows('Errors').flatMap(([status, codes]) => codesIn(codes).map((code) => `${status} ${code}`)),
  );

  test('has the errors of the OpenAPI document', () => {
    const described = operations.flatMap(({ operation }) =>
      Object.entries(operation.responses).flatMap(([status, response]) =>
        (response['x-codes'] ?? []).map((code) => `${status} ${code}`),
      ),
    );
    expect([...new Set(described)].sort()).toEqual([...documented].sort());
  });

  test('has every error that the service makes outside of the page', () => {
    const folder = 'src/service';
    const files = readdirSync(resolve(root, folder)).filter((name) => name.endsWith('.ts'));
    const pageOnly = [
      'assertion_refused',
      'cross_site',
      'enrolment_refused',
      'invite_not_found',
      'name_not_invited',
      'name_taken',
      'not_pending',
      'signed_out',
    ];
    const made = files.flatMap((name) =>
      [...read(`${folder}/${name}`).matchAll(/new Refusal\(\s*(\d{3}),\s*'([a-z_]+)'/g)]
        .filter(([, , code]) => !pageOnly.includes(code!))
        .map(([, status, code]) => `${status} ${code}`),
    );
    expect(made.length).toBeGreaterThan(20);
    for (const error of made) expect([...documented]).toContain(error);
  });
});

test('every link leads to a file, and every npm command is a script', () => {
  for (const page of ['docs/PROTOCOL.md', '__tests__/vectors/README.md']) {
    for (const [, target] of read(page).matchAll(/\]\(([^)#:]+)\)/g)) {
      expect([target, existsSync(resolve(root, page, '..', target!))]).toEqual([target, true]);
    }
  }
  const { scripts } = JSON.parse(read('package.json')) as { scripts: object };
  for (const [, name] of protocol.matchAll(/npm run ([a-z-]+)/g)) {
    expect(Object.keys(scripts)).toContain(name);
  }
});

test('the page on the vectors names every file of them, and the members they have', () => {
  const page = read('__tests__/vectors/README.md');
  const files = readdirSync(resolve(root, '__tests__/vectors')).filter((name) =>
    name.endsWith('json'),
  );
  const documented = new Map(
    [...page.matchAll(/^\| `([a-z]+\.json)` \| (.*?) \|/gm)].map(([, name, holds]) => [
      name!,
      holds!,
    ]),
  );
  expect([...documented.keys()].sort()).toEqual(files.sort());
  for (const [name, holds] of documented) {
    const content = JSON.parse(read(`__tests__/vectors/${name}`)) as Record<string, unknown>;
    const list = (content.vectors ?? content.documents) as readonly object[];
    const members = new Set(list.flatMap((vector) => Object.keys(vector)));
    members.delete('name');
    for (const member of members)
      expect([name, codesIn(holds)]).toEqual([name, expect.arrayContaining([member])]);
  }
});
