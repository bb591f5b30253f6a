import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { writeOutputs } from '../../src/action/outputs.ts';
import { Fault } from '../../src/core/fault.ts';
import { readFileCommands } from './runner.ts';

const folder = mkdtempSync(join(tmpdir(), 'deploy-warrant-outputs-'));
const path = join(folder, 'output');

beforeEach(() => {
  writeFileSync(path, '');
  process.env.GITHUB_OUTPUT = path;
});
afterAll(() => {
  delete process.env.GITHUB_OUTPUT;
  rmSync(folder, { recursive: true });
});

const written = () => readFileCommands(readFileSync(path, 'utf8'));

describe('outputs', () => {
  test('come back as they were, and none is another', () => {
    const names = ['approval-id', 'approval-url', 'record', 'status'] as const;
    const piece = fc.constantFrom(
      '\n',
      'status<<x',
      'status=approved',
      'ghadelimiter_',
      'EOF',
      '=',
      '<<',
    );
    const value = fc
      .array(fc.oneof(piece, fc.string()), { maxLength: 8 })
      .map((all) => all.join(''));
    fc.assert(
      fc.property(fc.tuple(value, value, value, value), (values) => {
        writeFileSync(path, '');
        const outputs = Object.fromEntries(names.map((name, at) => [name, values[at]!]));
        writeOutputs(outputs);
        expect(written()).toEqual(outputs);
      }),
      { numRuns: 200 },
    );
  });

  test('end with the status: half of them is no approval', () => {
    writeOutputs({ status: 'approved', 'approval-id': 'x', record: '{}' });
    const lines = readFileSync(path, 'utf8').split('\n');
    const names = lines.filter((line) => line.includes('<<')).map((line) => line.split('<<')[0]);
    expect(names).toEqual(['approval-id', 'record', 'status']);
  });

  test('that can not be written are a fault, not a line on stdout', () => {
    process.env.GITHUB_OUTPUT = join(folder, 'missing');
    expect(() => writeOutputs({ status: 'approved' })).toThrow(Fault);
    process.env.GITHUB_OUTPUT = '/dev/full';
    expect(() => writeOutputs({ status: 'approved' })).toThrow('ENOSPC');
  });
});
