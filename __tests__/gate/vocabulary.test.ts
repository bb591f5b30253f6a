import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { readDeclaredFacts } from '../../src/collect/declared.ts';
import { readRequestInputs, readVerifyInputs } from '../../src/gate/step-inputs.ts';
import {
  factInputNames,
  inputWords,
  refusalOutputs,
  stepInputs,
  stepOutputs,
} from '../../src/gate/vocabulary.ts';

const files = { request: 'action.yml', verify: 'verify/action.yml' } as const;
const read = (step: 'request' | 'verify') =>
  parse(readFileSync(files[step], 'utf8')) as Record<string, Record<string, unknown>>;

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, text: readFileSync(join('src', name), 'utf8') }));

describe.each(['request', 'verify'] as const)('the action file of %s', (step) => {
  test('has exactly the inputs of the vocabulary, in its order and words', () => {
    const expected = inputWords(step).map(([name, { description, required }]) => [
      name,
      { description, ...(required === true ? { required } : {}) },
    ]);
    expect(Object.entries(read(step).inputs!)).toEqual(expected);
  });

  test('has exactly the outputs of the vocabulary, in its order and words', () => {
    expect(Object.entries(read(step).outputs!)).toEqual(Object.entries(stepOutputs[step]));
  });

  test('gives no input a default, for a mistyped expression is an empty input', () => {
    expect(JSON.stringify(read(step).inputs)).not.toContain('"default"');
  });
});

test('the actions run the bundles of the entries, by the Node of the runner', () => {
  expect(read('request').runs).toEqual({
    using: 'node24',
    main: 'dist/request.js',
    post: 'dist/cleanup.js',
  });
  expect(read('verify').runs).toEqual({ using: 'node24', main: '../dist/verify.js' });
});

test('both steps take the same fact inputs', () => {
  for (const name of factInputNames) {
    expect(stepInputs.verify[name]).toBe(stepInputs.request[name]);
  }
});

test('a refusal writes outputs that both steps have', () => {
  for (const name of refusalOutputs) {
    expect(Object.keys(stepOutputs.request)).toContain(name);
    expect(Object.keys(stepOutputs.verify)).toContain(name);
  }
});

describe('what is read', () => {
  const sample: Readonly<Record<string, string>> = {
    service: 'api',
    environment: 'production',
    migration: 'none',
    'rollback-version': 'v1',
    'approval-id': '11111111-1111-4111-8111-111111111111',
  };
  const namesReadBy = (use: (read: (name: string) => string) => unknown) => {
    const names = new Set<string>();
    use((name) => {
      names.add(name);
      return sample[name] ?? '';
    });
    return [...names].sort();
  };

  test('is every fact input, and no other', () => {
    expect(namesReadBy(readDeclaredFacts)).toEqual([...factInputNames].sort());
  });

  test('is every input of the request step, but for the token of GitHub', () => {
    const all = Object.keys(stepInputs.request).filter((name) => name !== 'github-token');
    expect(namesReadBy(readRequestInputs)).toEqual(all.sort());
  });

  test('is every input of the verify step', () => {
    expect(namesReadBy(readVerifyInputs)).toEqual(Object.keys(stepInputs.verify).sort());
  });

  test('comes in through one file, and goes out through the room of the actions', () => {
    const holding = (pattern: RegExp) =>
      sources.filter(({ text }) => pattern.test(text)).map(({ name }) => name);
    expect(holding(/\bget(Multiline|Boolean)?Input\b|INPUT_/)).toEqual(['action/inputs.ts']);
    expect(holding(/\bsetOutput\b/)).toEqual(['action/outputs.ts']);
    expect(holding(/GITHUB_OUTPUT\b/).filter((name) => !name.startsWith('action/'))).toEqual([]);
    expect(holding(/@actions\/core'/).filter((name) => !name.startsWith('action/'))).toEqual([]);
    expect(holding(/\bsetFailed\b/)).toEqual([]);
  });
});
