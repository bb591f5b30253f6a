import { describe, expect, test } from '@jest/globals';
import { Fault } from '../../src/core/fault.ts';
import { readRequestInputs, readVerifyInputs } from '../../src/gate/step-inputs.ts';

const facts = {
  service: 'api',
  environment: 'production',
  migration: 'none',
  'rollback-version': 'v1',
};
const id = '11111111-1111-4111-8111-111111111111';
const other = '22222222-2222-4222-8222-222222222222';

type Inputs = Readonly<Record<string, string>>;
const reader = (inputs: Inputs) => (name: string) => ({ ...facts, ...inputs })[name] ?? '';
const request = (inputs: Inputs) => readRequestInputs(reader(inputs));
const verify = (inputs: Inputs) => readVerifyInputs(reader(inputs));

function fault(run: () => unknown): Fault {
  try {
    run();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('the inputs of verify', () => {
  test.each([
    ['neither approval-id nor record', {}, 'GitHub drops an output that holds a masked value'],
    ['both of them', { 'approval-id': id, record: '{}' }, 'exactly one'],
    ['an id that is none', { 'approval-id': 'latest' }, 'latest'],
    ['an id in upper case', { 'approval-id': 'ABCDEF00-1111-4111-8111-111111111111' }, 'UUID'],
    ['ids joined by a comma and a blank', { 'approval-id': `${id}, ${other}` }, 'UUID'],
    ['an id twice', { 'approval-id': `${id},${id}` }, 'twice'],
    ['an id that ends in a comma', { 'approval-id': `${id},` }, 'UUID'],
    ['an id and a path', { 'approval-id': `${id}/../redemptions` }, 'UUID'],
    ['an assurance of its own', { 'approval-id': id, assurance: 'none' }, 'assurance'],
    ['an assurance in capitals', { 'approval-id': id, assurance: 'Service' }, 'assurance'],
  ])('refuses %s', (_name, inputs, word) => {
    const { code, message } = fault(() => verify(inputs));
    expect(code).toBe('configuration');
    expect(message).toContain(word);
  });

  test('believes nobody without a signature unless told to', () => {
    expect(verify({ 'approval-id': id }).assurance).toBe('signature');
    expect(verify({ 'approval-id': id, assurance: 'service' }).assurance).toBe('service');
  });

  test('take several ids, in their order', () => {
    const { approvalIds, recordSource } = verify({ 'approval-id': `${other},${id}` });
    expect(approvalIds).toEqual([other, id]);
    expect(recordSource).toBeUndefined();
  });

  test('take a record in place of ids', () => {
    expect(verify({ record: '{"schema":' })).toMatchObject({
      approvalIds: undefined,
      recordSource: '{"schema":',
    });
  });
});

describe('the inputs of request', () => {
  test.each([
    ['a wait of no minutes', { 'wait-minutes': '0' }, 'wait-minutes'],
    ['a wait in words', { 'wait-minutes': 'abc' }, 'wait-minutes'],
    ['a wait in an exponent', { 'wait-minutes': '1e3' }, 'wait-minutes'],
    ['a negative validity', { 'valid-minutes': '-60' }, 'valid-minutes'],
    ['a validity with blanks', { 'valid-minutes': ' 60' }, 'valid-minutes'],
    ['a reason of two lines', { reason: 'fine\n::set-output name=status::approved' }, 'reason'],
    ['a reason that turns the text around', { reason: 'ok \u202Egnihtyna' }, 'reason'],
    ['an approver twice', { approver: 'alex, alex' }, 'alex'],
  ])('refuse %s', (_name, inputs, word) => {
    const { code, message } = fault(() => request(inputs));
    expect(code).toBe('configuration');
    expect(message).toContain(word);
    expect(message).not.toContain('\u202E');
  });

  test('name approvers by commas or lines, and nobody for an empty input', () => {
    expect(request({ approver: 'alex, dana\nkim\n' }).approvers).toEqual(['alex', 'dana', 'kim']);
    expect(request({}).approvers).toEqual([]);
  });

  test('hold the reason, or none', () => {
    expect(request({ reason: 'Release 1.42' }).reason).toBe('Release 1.42');
    expect(request({}).reason).toBeUndefined();
  });

  test('leave times to the policy where they are empty', () => {
    expect(request({})).toMatchObject({ waitMinutes: undefined, validMinutes: undefined });
    expect(request({ 'wait-minutes': '5' }).waitMinutes).toBe(5);
  });
});
