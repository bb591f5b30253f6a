import { collectFacts, type CollectedFacts } from '../collect/collect.ts';
import type { DeclaredFacts, ReadInput } from '../collect/declared.ts';
import type { DeployFacts } from '../core/facts.ts';
import { Fault, refusalOf } from '../core/fault.ts';
import type { RefusalCode, Verdict } from '../core/verdict.ts';
import { changesLines, payloadChanges } from './changes.ts';
import { learnCircumstances } from './circumstances.ts';
import { systemDependencies, type GateDependencies } from './dependencies.ts';
import { checkTlsEnvironment } from './environment.ts';
import { openJob } from './job-access.ts';
import { readPolicy } from './policy-source.ts';
import { checkRequest } from './request-plan.ts';
import { readRecordText } from './record-source.ts';
import {
  requestApproval,
  type RequestCreated,
  type RequestOutcome,
  type RequestProgress,
} from './request.ts';
import { openService } from './service-access.ts';
import { readRequestInputs, readVerifyInputs } from './step-inputs.ts';
import { verifyDeploy, type VerifyOutcome } from './verify.ts';

/** What a front end hands to a step: its inputs and its surroundings. */
export interface StepContext {
  /** An input's text by name, empty where absent. */
  readonly read: ReadInput;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** An existing folder outside the repository, in which the record folder is made. */
  readonly recordParent: string;
  /** Aborts on SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  readonly warn: (line: string) => void;
  /** Hides a secret in the log from here on. */
  readonly mask?: ((secret: string) => void) | undefined;
  readonly progress?: GateDependencies['progress'];
}

export interface RequestStepContext extends Omit<StepContext, 'recordParent'> {
  /** Absent: no record folder is made. */
  readonly recordParent?: string | undefined;
  readonly onAsked?: RequestProgress['onAsked'];
  /** Called once all confirmations exist, before the wait. */
  readonly onCreated: (created: RequestCreated, facts: DeployFacts) => Promise<void>;
}

export type RequestStepOutcome = RequestOutcome & { readonly facts?: DeployFacts | undefined };

/** The request step of every front end: inputs, facts, policy, then the request. Never throws. */
export async function requestStep(context: RequestStepContext): Promise<RequestStepOutcome> {
  let facts: DeployFacts | undefined;
  try {
    warnAboutSurroundings(context);
    const inputs = readRequestInputs(context.read);
    const access = openJob(context);
    const transport = openService(inputs, access);
    if (transport === undefined) {
      throw new Fault(
        'configuration',
        'api-url and api-key are empty; a request needs both, or a job that may have OIDC tokens in place of a key.',
      );
    }
    const collected = await collectFor(inputs.declared, context);
    facts = collected.facts;
    const policy = await readPolicy({ input: inputs.policy, outside: collected.outside });
    const { approvers, reason, waitMinutes, validMinutes, assurance } = inputs;
    const given = dependencies(context, transport);
    const request = {
      ...{ facts, policy, approvers, reason, waitMinutes, validMinutes, assurance },
      job: collected.job,
    };
    checkRequest(request);
    const learned = await learn(
      {
        ...{ collected, policy, access, showChanges: true },
        assurance: policy === undefined ? 'service' : assurance,
      },
      // With assurance: service the documented calls must do, and this is none of them.
      assurance === 'service' ? { ...given, transport: undefined } : given,
    );
    const { circumstances, changes } = learned;
    const known = changes && { changes, lastDeploy: learned.lastDeploy };
    if (known !== undefined) {
      for (const line of changesLines(known, facts)) context.log(line);
    }
    const outcome = await requestApproval(
      {
        ...{ ...request, circumstances, changes: known && payloadChanges(known) },
        recordParent: context.recordParent,
        onAsked: context.onAsked,
        onCreated: (created) => context.onCreated(created, collected.facts),
      },
      given,
    );
    return { ...outcome, facts };
  } catch (error) {
    return { ...nothingAsked, ...stopped(error, context.signal), approvalUrl: '', facts };
  }
}

/** The verify step of every front end: inputs, final facts, policy, then the check and the redemption. Never throws. */
export async function verifyStep(context: StepContext): Promise<VerifyOutcome> {
  let approvalIds: readonly string[] = [];
  try {
    warnAboutSurroundings(context);
    const inputs = readVerifyInputs(context.read);
    approvalIds = inputs.approvalIds ?? [];
    const access = openJob(context);
    const transport = openService(inputs, access);
    const collected = await collectFor(inputs.declared, context);
    const { facts, job } = collected;
    const policy = await readPolicy({ input: inputs.policy, outside: collected.outside });
    const given = dependencies(context, transport);
    const { circumstances } = await learn(
      { collected, policy, access, assurance: inputs.assurance, showChanges: false },
      inputs.assurance === 'service' ? { ...given, transport: undefined } : given,
    );
    const recordText =
      inputs.recordSource === undefined
        ? undefined
        : await readRecordText(inputs.recordSource, context.cwd);
    return await verifyDeploy(
      {
        collect: () => Promise.resolve(facts),
        ...{ policy, circumstances, recordText, job },
        approvalIds: inputs.approvalIds,
        assurance: inputs.assurance,
        recordParent: context.recordParent,
      },
      given,
    );
  } catch (error) {
    return { ...nothingAsked, ...stopped(error, context.signal), approvalIds, spent: false };
  }
}

const nothingAsked = {
  approvalIds: [],
  payloadHash: '',
  fingerprint: '',
  approvers: [],
} as const;

function warnAboutSurroundings({ env, warn }: Pick<StepContext, 'env' | 'warn'>): void {
  for (const warning of checkTlsEnvironment(env)) warn(warning);
}

/** What the rules of the policy are held to beside the facts. @throws Fault */
async function learn(
  job: Pick<
    Parameters<typeof learnCircumstances>[0],
    'collected' | 'policy' | 'access' | 'assurance' | 'showChanges'
  >,
  given: GateDependencies,
): ReturnType<typeof learnCircumstances> {
  const { transport } = given;
  const client = transport && { ...given, transport };
  return orAborted(learnCircumstances({ ...job, client, now: given.now }), given.signal);
}

async function collectFor(
  declared: DeclaredFacts,
  { env, cwd, signal, log }: Pick<StepContext, 'env' | 'cwd' | 'signal' | 'log'>,
): Promise<CollectedFacts & { readonly outside: readonly string[] }> {
  const collected = await orAborted(collectFacts({ declared, env, cwd }), signal);
  for (const notice of collected.notices) log(notice);
  return { ...collected, outside: [collected.workspace, cwd] };
}

/** Hashing a large tree does not hear a signal, and the runner leaves little time after one. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(new Error('stopped by a signal'));
  signal.addEventListener('abort', abort, { once: true });
  return Promise.race([work, aborted.promise]).finally(() =>
    signal.removeEventListener('abort', abort),
  );
}

function dependencies(
  { log, progress, signal }: Pick<StepContext, 'log' | 'progress' | 'signal'>,
  transport: GateDependencies['transport'],
): GateDependencies {
  return systemDependencies({ transport, log, progress, signal });
}

/** A signal makes everything else fail as well: then it is the reason, whatever the error says. */
function stopped(
  error: unknown,
  signal: AbortSignal,
): { readonly verdict: Verdict; readonly status: RefusalCode } {
  const cause = signal.aborted
    ? new Fault('interrupted', 'The step was stopped by a signal before it came to a verdict.')
    : error;
  return {
    verdict: refusalOf(cause),
    status: cause instanceof Fault ? cause.code : 'internal',
  };
}
