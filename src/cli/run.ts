import { randomInt } from 'node:crypto';
import { Fault, refusalOf } from '../core/fault.ts';
import type { DeployFacts } from '../core/facts.ts';
import { exitCodes } from '../core/verdict.ts';
import { concludeRequest, concludeVerify } from '../gate/conclusion.ts';
import { requestStep, verifyStep } from '../gate/steps.ts';
import type { VerifyOutcome } from '../gate/verify.ts';
import { runChild } from './child.ts';
import { flagValue, type Call, type RunCommand } from './command.ts';
import { gateEnded } from './end.ts';
import { requireExecutable } from './executable.ts';
import { stepContext } from './step-context.ts';

/**
 * The whole gate and the deploy in one process: request, wait, collect again, verify, redeem, then the command. It starts only
 * after an approved verdict, with the checked facts in its environment and without the API key.
 */
export const run: RunCommand = async (call) => {
  const command = call.positionals as readonly [string, ...string[]];
  checkPolicyGiven(call);
  await requireExecutable(command[0], call);
  const runCall = withRunId(call);
  const context = await stepContext(runCall);

  // One record folder is enough: that of the verify step, which says what became of the approval.
  const asking = { ...context, recordParent: undefined, onCreated: () => Promise.resolve() };
  const request = await requestStep(asking);
  const asked = concludeRequest(request, call.signal);
  if (asked.exitCode !== exitCodes.approved) return gateEnded(asked.verdict, call);

  const outcome = await verifyStep({
    ...context,
    read: (name) => {
      if (name === 'approval-id') return request.approvalIds.join(',');
      return name === 'record' ? '' : context.read(name);
    },
  });
  const { verdict, exitCode } = concludeVerify(outcome, call.signal);
  if (exitCode !== exitCodes.approved || verdict === undefined || outcome.facts === undefined) {
    return gateEnded(verdict, call);
  }
  call.out.sayVerdict(verdict);
  return await deploy(command, outcome, outcome.facts, runCall);
};

/** From here on signals, standard streams and exit code are the command's. */
async function deploy(
  command: readonly [string, ...string[]],
  outcome: VerifyOutcome,
  facts: DeployFacts,
  call: Call,
): Promise<number> {
  const env = commandEnvironment(call.env, outcome, facts);
  try {
    const child = runChild(command, { env, cwd: call.cwd });
    // Only now, when the child gets them: a signal in between would end this process alone and leave a deploy running.
    call.releaseSignals();
    const { exitCode, signal } = await child;
    const how = signal === null ? `exit code ${exitCode}` : `${signal}, exit code ${exitCode}`;
    call.out.say(`Ended by the command: ${how}.`);
    return exitCode;
  } catch (error) {
    const refusal = refusalOf(error);
    const message = `${refusal.message} The approval is used up: another try needs a new one.`;
    return gateEnded({ ...refusal, message }, call);
  }
}

/** Without one nothing can be proven, so that nobody should be asked. */
function checkPolicyGiven(call: Call): void {
  if (flagValue(call, 'policy') !== '' || flagValue(call, 'assurance') === 'service') return;
  throw new Fault(
    'configuration',
    '--policy is missing. Without a policy no signature can be checked, and the command would never start.',
  );
}

/** Request and verify are this one process: a run of its own, unless the pipeline names one. */
function withRunId(call: Call): Call {
  if ((call.env.DEPLOY_WARRANT_RUN_ID ?? '') !== '') return call;
  const runId = String(randomInt(1, 2 ** 48 - 1));
  return { ...call, env: { ...call.env, DEPLOY_WARRANT_RUN_ID: runId } };
}

/** The verified facts as variables. None of these names comes from outside, and key and token go no further than the gate. */
function commandEnvironment(
  given: Call['env'],
  { approvalIds, approvers, payloadHash, fingerprint, recordPath }: VerifyOutcome,
  facts: DeployFacts,
): NodeJS.ProcessEnv {
  const verified: Readonly<Record<string, string | undefined>> = {
    SERVICE: facts.service,
    ENVIRONMENT: facts.environment,
    REGION: facts.region,
    ACCOUNT: facts.account,
    TENANT: facts.tenant,
    CLUSTER: facts.cluster,
    REPOSITORY: facts.repository,
    REF: facts.ref,
    COMMIT: facts.commit,
    DIGEST: facts.digest,
    RUN_ID: facts.run_id,
    RUN_ATTEMPT: facts.run_attempt,
    ROLLBACK_KIND: facts.rollback.kind,
    ROLLBACK_VALUE: facts.rollback.value,
    MIGRATION_COMMAND: facts.migration.kind === 'none' ? undefined : facts.migration.command,
    APPROVAL_ID: approvalIds.join(','),
    APPROVERS: approvers.join(','),
    PAYLOAD_HASH: payloadHash,
    FINGERPRINT: fingerprint,
    RECORD_PATH: recordPath,
    API_KEY: undefined,
    ID_TOKEN: undefined,
  };
  const env: NodeJS.ProcessEnv = { ...given };
  for (const [name, value] of Object.entries(verified)) {
    const variable = `DEPLOY_WARRANT_${name}`;
    if (value === undefined) Reflect.deleteProperty(env, variable);
    else env[variable] = value;
  }
  return env;
}
