import { readDeclaredFacts, type DeclaredFacts, type ReadInput } from '../collect/declared.ts';
import { Fault } from '../core/fault.ts';
import { freeTextProblem, visible } from '../core/text.ts';
import { parseApprovalIds } from './approval-ids.ts';
import { parseMinutes } from './minutes.ts';
import type { ServiceAccess } from './service-access.ts';
import type { InputName } from './vocabulary.ts';

interface ServiceInputs extends ServiceAccess {
  /** The input as given, empty where absent. */
  readonly policy: string;
  readonly assurance: 'signature' | 'service';
}

export interface RequestInputs extends ServiceInputs {
  readonly declared: DeclaredFacts;
  readonly approvers: readonly string[];
  readonly reason: string | undefined;
  readonly waitMinutes: number | undefined;
  readonly validMinutes: number | undefined;
}

/** Exactly one of `approvalIds` and `recordSource` is given. */
export interface VerifyInputs extends ServiceInputs {
  readonly declared: DeclaredFacts;
  readonly approvalIds: readonly string[] | undefined;
  readonly recordSource: string | undefined;
}

/** Every input of the request step as one typed value. @throws Fault configuration naming the input and what to do */
export function readRequestInputs(read: ReadInput): RequestInputs {
  const input: (name: InputName<'request'>) => string = read;
  const reason = input('reason');
  const problem = reason === '' ? undefined : freeTextProblem(reason);
  if (problem !== undefined) throw new Fault('configuration', `The input reason ${problem}.`);
  return {
    declared: readDeclaredFacts(read),
    approvers: readApprovers(input('approver')),
    ...readServiceInputs(input),
    reason: reason === '' ? undefined : reason,
    waitMinutes: parseMinutes('wait-minutes', input('wait-minutes')),
    validMinutes: parseMinutes('valid-minutes', input('valid-minutes')),
  };
}

/** Every input of the verify step as one typed value. @throws Fault configuration naming the input and what to do */
export function readVerifyInputs(read: ReadInput): VerifyInputs {
  const input: (name: InputName<'verify'>) => string = read;
  const [approvalId, record] = [input('approval-id'), input('record')];
  if (approvalId === '' && record === '') {
    throw new Fault(
      'configuration',
      'Both approval-id and record are empty, so there is nothing to verify. If the value is an output of another job: GitHub drops an output that holds a masked value (pass approval-id, not record), and a mistyped expression is an empty value.',
    );
  }
  if (approvalId !== '' && record !== '') {
    throw new Fault('configuration', 'Both approval-id and record are given. Give exactly one.');
  }
  return {
    declared: readDeclaredFacts(read),
    ...readServiceInputs(input),
    approvalIds: approvalId === '' ? undefined : parseApprovalIds(approvalId),
    recordSource: record === '' ? undefined : record,
  };
}

function readServiceInputs(
  input: (name: 'policy' | 'api-url' | 'api-key' | 'assurance') => string,
): ServiceInputs {
  const assurance = input('assurance') || 'signature';
  if (assurance !== 'signature' && assurance !== 'service') {
    throw new Fault(
      'configuration',
      `The input assurance is "${visible(assurance)}". It is "signature" or "service".`,
    );
  }
  return {
    policy: input('policy'),
    apiUrl: input('api-url'),
    apiKey: input('api-key'),
    assurance,
  };
}

function readApprovers(text: string): readonly string[] {
  const approvers = text
    .split(/[,\n]/)
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const twice = approvers.find((name, at) => approvers.indexOf(name) !== at);
  if (twice !== undefined) {
    throw new Fault('configuration', `The input approver names ${visible(twice)} twice.`);
  }
  return approvers;
}
