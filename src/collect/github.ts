import * as z from 'zod';
import { Fault } from '../core/fault.ts';
import { reasonOf } from '../core/reason.ts';
import { visible } from '../core/text.ts';
import type { ActorType } from './declared.ts';
import { actorType, type Origin } from './origin.ts';
import { readSmallFile } from './disk.ts';
import { requireVariables, type Environment } from './variables.ts';

/** GitHub sends at most 25 MB: https://docs.github.com/webhooks/webhook-events-and-payloads#payload-cap */
const maxEventBytes = 25 * 1024 * 1024;

/**
 * Events whose workflow file and checkout come from the repository itself (DESIGN 6); and `pull_request`, which the rule of the
 * environment has to allow (core/rule-circumstances.ts).
 */
const allowedEvents = [
  'push',
  'workflow_dispatch',
  'schedule',
  'release',
  'repository_dispatch',
  'merge_group',
  'workflow_call',
  'pull_request',
] as const;

const refusedEvents: ReadonlyMap<string, string> = new Map([
  [
    'pull_request_target',
    'it runs with the secrets of the base branch while others choose what is in it',
  ],
  [
    'workflow_run',
    'it runs with the secrets of the default branch after a run that others can start',
  ],
]);

/** The variables that GitHub sets for every job, all of them needed. */
const variables = [
  'GITHUB_EVENT_NAME',
  'GITHUB_EVENT_PATH',
  'GITHUB_SERVER_URL',
  'GITHUB_REPOSITORY',
  'GITHUB_REPOSITORY_ID',
  'GITHUB_REF',
  'GITHUB_SHA',
  'GITHUB_RUN_ID',
  'GITHUB_RUN_ATTEMPT',
  'GITHUB_ACTOR',
  'GITHUB_ACTOR_ID',
  'GITHUB_TRIGGERING_ACTOR',
  'GITHUB_WORKFLOW_REF',
  'GITHUB_WORKFLOW_SHA',
  'GITHUB_JOB',
  'GITHUB_WORKSPACE',
] as const;

/**
 * Who asks, and which run this is, from the environment and the event file of a GitHub Actions job. `server` is always given, so that
 * a page can link to the forge; `workflow` is GITHUB_WORKFLOW_REF, which names the file and its ref, and not the title that
 * the file gives itself.
 * @throws Fault configuration for an event that may not deploy, facts_uncollectable for what is missing
 */
export function githubOrigin(env: Environment, declared: ActorType | undefined): Origin {
  const read = requireVariables(env, variables, {
    mark: 'GITHUB_ACTIONS',
    advice: 'GitHub sets them for every job; let no step, container or emulator remove them.',
  });
  const event = read.GITHUB_EVENT_NAME;
  refuseEvent(event);
  const login = read.GITHUB_ACTOR;
  const derived = derivedType({ event, login, path: read.GITHUB_EVENT_PATH });
  const triggeredBy = read.GITHUB_TRIGGERING_ACTOR;
  return {
    facts: {
      server: read.GITHUB_SERVER_URL,
      repository: read.GITHUB_REPOSITORY,
      repository_id: read.GITHUB_REPOSITORY_ID,
      ref: read.GITHUB_REF,
      workflow: read.GITHUB_WORKFLOW_REF,
      workflow_sha: read.GITHUB_WORKFLOW_SHA,
      actor: {
        login,
        id: read.GITHUB_ACTOR_ID,
        type: actorType(derived, declared),
        ...(triggeredBy === login ? {} : { triggered_by: triggeredBy }),
      },
      run_id: read.GITHUB_RUN_ID,
      run_attempt: read.GITHUB_RUN_ATTEMPT,
    },
    circumstances: { provider: 'github', trigger: event, ...runner(env.RUNNER_ENVIRONMENT) },
    job: read.GITHUB_JOB,
    workspace: { path: read.GITHUB_WORKSPACE, variable: 'GITHUB_WORKSPACE' },
    expected: { id: read.GITHUB_SHA, source: 'event' },
  };
}

/** Whose machine this is, as the runner says; self-hosted runners of old versions do not. */
function runner(kind = ''): { readonly runner?: string } {
  return kind === '' ? {} : { runner: kind };
}

function refuseEvent(event: string): void {
  if (allowedEvents.some((allowed) => allowed === event)) return;
  const why = refusedEvents.get(event);
  const reason = why === undefined ? ', which is not known here' : `: ${why}`;
  throw new Fault(
    'configuration',
    `The event ${visible(event)} may not deploy${reason}. Deploy on one of: ${allowedEvents.join(', ')}.`,
  );
}

const senderSchema = z.object({ sender: z.object({ type: z.string().min(1) }) });

function derivedType(run: {
  readonly event: string;
  readonly login: string;
  readonly path: string;
}): ActorType {
  // The event file can be rewritten by earlier steps, the login can't.
  if (run.login.endsWith('[bot]')) return 'agent';
  // A schedule has no sender: nobody asked.
  if (run.event === 'schedule') return 'pipeline';
  return senderType(run.path) === 'Bot' ? 'agent' : 'human';
}

function senderType(path: string): string {
  const parsed = senderSchema.safeParse(readEvent(path));
  if (parsed.success) return parsed.data.sender.type;
  throw new Fault(
    'facts_uncollectable',
    `The event file ${visible(path)} (GITHUB_EVENT_PATH) does not say of which type its sender is, so it can't be told whether a person or a bot started this run.`,
  );
}

function readEvent(path: string): unknown {
  try {
    const content = readSmallFile(path, maxEventBytes);
    if (content === undefined) throw new Error(`it is larger than ${maxEventBytes} bytes`);
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content)) as unknown;
  } catch (cause) {
    throw new Fault(
      'facts_uncollectable',
      `The event file ${visible(path)} (GITHUB_EVENT_PATH) can't be read: ${reasonOf(cause)}`,
      { cause },
    );
  }
}
