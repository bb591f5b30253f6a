import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { signatureProblem, verifyToken, type TokenKeys } from '../../src/core/token.ts';
import { describeVectors, vectorPath } from '../support/vectors.ts';

interface Group {
  readonly comment: string;
  readonly public?: TokenKeys['keys'][number];
  readonly private: TokenKeys['keys'][number];
  readonly tests: readonly {
    readonly tcId: number;
    readonly comment: string;
    readonly jws: unknown;
    readonly result: 'valid' | 'invalid';
  }[];
}

describeVectors('the JWS vectors of Wycheproof, all 401', () => {
  const { numberOfTests, testGroups } = JSON.parse(
    readFileSync(vectorPath('wycheproof/testvectors_v1/json_web_signature_test.json'), 'utf8'),
  ) as { readonly numberOfTests: number; readonly testGroups: readonly Group[] };
  const cases = testGroups.flatMap((group) => group.tests.map((one) => ({ group, one })));

  /** As an issuer would publish it: the public half where there is one, else the secret, which no issuer publishes. */
  const keysOf = (group: Group): TokenKeys => ({ keys: [group.public ?? group.private] });
  const algOf = (jws: string): unknown => {
    try {
      return (
        JSON.parse(Buffer.from(jws.split('.')[0] ?? '', 'base64url').toString()) as {
          alg?: unknown;
        }
      ).alg;
    } catch {
      return undefined;
    }
  };

  test('are all there', () => expect(cases).toHaveLength(numberOfTests));

  test('good signatures by RS256 pass, and nothing else does', async () => {
    const passed: number[] = [];
    const due: number[] = [];
    for (const { group, one } of cases) {
      const jws = typeof one.jws === 'string' ? one.jws : JSON.stringify(one.jws);
      if (one.result === 'valid' && algOf(jws) === 'RS256') due.push(one.tcId);
      if ((await signatureProblem(jws, keysOf(group))) === undefined) passed.push(one.tcId);
    }
    expect(passed).toEqual(due);
    expect(due.length).toBeGreaterThan(6);
  });

  test('none of them is an ID token', async () => {
    const accepted: number[] = [];
    for (const { group, one } of cases) {
      const checked = await verifyToken({
        token: typeof one.jws === 'string' ? one.jws : JSON.stringify(one.jws),
        issuer: 'https://token.actions.githubusercontent.com',
        audience: 'deploy-warrant',
        keys: keysOf(group),
        now: 1_795_000_000_000,
      });
      if (checked.ok) accepted.push(one.tcId);
    }
    expect(accepted).toEqual([]);
  });
});
