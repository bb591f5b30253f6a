import { Fault } from '../core/fault.ts';
import { visible } from '../core/text.ts';
import type { ActorType } from './declared.ts';
import { actorType, type Origin } from './origin.ts';
import { isSet, requireVariables, type Environment } from './variables.ts';

/** What may start a pipeline that deploys; of the merge request the rules decide, like of GitHub's pull request. */
const allowedSources = [
  'push',
  'web',
  'api',
  'schedule',
  'trigger',
  'pipeline',
  'parent_pipeline',
  'chat',
  'merge_request_event',
] as const;

/** The variables that GitLab sets for every job, all of them needed. */
const variables = [
  'CI_PIPELINE_SOURCE',
  'CI_SERVER_URL',
  'CI_PROJECT_PATH',
  'CI_PROJECT_ID',
  'CI_PROJECT_DIR',
  'CI_COMMIT_REF_NAME',
  'CI_COMMIT_SHA',
  'CI_PIPELINE_ID',
  'CI_JOB_NAME',
  'GITLAB_USER_LOGIN',
  'GITLAB_USER_ID',
] as const;
type Variables = Readonly<Record<(typeof variables)[number], string>>;

/**
 * Accounts that no person signs in to: those of access tokens, service accounts, and the one that inherits what deleted accounts
 * leave. https://docs.gitlab.com/user/project/settings/project_access_tokens/#bot-users-for-projects
 */
const botLogin = /^(?:(?:project|group)_\d+_bot|service_account_|ghost\d*$)/i;

/**
 * Who asks, and which pipeline this is, from the variables of a GitLab job. Unlike GitHub's, a job may set most of them itself:
 * what counts is the ID token, which says the same (core/identity.ts), where the policy asks for it by `require_oidc`.
 * `run_attempt` is always 1: GitLab numbers no attempts, a job that is run again stays in its pipeline. That an approval is used
 * once is up to the redemption.
 * @throws Fault configuration for a pipeline that may not deploy, facts_uncollectable for what is missing
 */
export function gitlabOrigin(env: Environment, declared: ActorType | undefined): Origin {
  const read = requireVariables(env, variables, {
    mark: 'GITLAB_CI',
    advice: 'GitLab sets them for every job; let no container or script remove them.',
  });
  const source = read.CI_PIPELINE_SOURCE;
  refuseSource(source, env);
  const login = read.GITLAB_USER_LOGIN;
  const workflow = workflowOf(read, env);
  return {
    facts: {
      server: read.CI_SERVER_URL,
      repository: read.CI_PROJECT_PATH,
      repository_id: read.CI_PROJECT_ID,
      ref: refOf(read, env),
      ...(workflow === undefined ? {} : { workflow }),
      actor: {
        login,
        id: read.GITLAB_USER_ID,
        type: actorType(derivedType(login, source), declared),
      },
      run_id: read.CI_PIPELINE_ID,
      run_attempt: '1',
    },
    circumstances: { provider: 'gitlab', trigger: source },
    job: jobOf(read, env),
    workspace: { path: read.CI_PROJECT_DIR, variable: 'CI_PROJECT_DIR' },
    expected: { id: read.CI_COMMIT_SHA, source: 'event' },
  };
}

function refuseSource(source: string, env: Environment): void {
  const list = allowedSources.join(', ');
  if (!allowedSources.some((allowed) => allowed === source)) {
    throw new Fault(
      'configuration',
      `A pipeline that was started by ${visible(source)} (CI_PIPELINE_SOURCE) may not deploy. Deploy in one started by: ${list}.`,
    );
  }
  // A child pipeline keeps quiet about the code that nobody has merged.
  if (source !== 'merge_request_event' && isSet(env.CI_MERGE_REQUEST_IID)) {
    throw new Fault(
      'configuration',
      `This pipeline was started by ${source} out of the pipeline of a merge request. Deploy in the merge request's own pipeline, if the policy allows that, or in one of a branch.`,
    );
  }
}

/** A merge request has a ref of its own, so that no source branch of a fork passes for a branch of this project. */
function refOf(
  { CI_PIPELINE_SOURCE: source, CI_COMMIT_REF_NAME: name }: Variables,
  env: Environment,
): string {
  if (source === 'merge_request_event') {
    const ref = env.CI_MERGE_REQUEST_REF_PATH ?? '';
    if (/^refs\/merge-requests\/./.test(ref)) return ref;
    throw new Fault(
      'facts_uncollectable',
      'The pipeline of this merge request has no CI_MERGE_REQUEST_REF_PATH.',
    );
  }
  return isSet(env.CI_COMMIT_TAG) ? `refs/tags/${name}` : `refs/heads/${name}`;
}

/**
 * The file of the pipeline in the form of the claim `ci_config_ref_uri`: as newer GitLabs say it, else put together as they do.
 * Nothing for a file that lies in another project or elsewhere: GitLab's token is silent about those too.
 */
function workflowOf(read: Variables, env: Environment): string | undefined {
  if (isSet(env.CI_CONFIG_REF_URI)) return env.CI_CONFIG_REF_URI;
  const file = isSet(env.CI_CONFIG_PATH) ? env.CI_CONFIG_PATH : '.gitlab-ci.yml';
  if (file.includes('@') || file.includes('://') || !URL.canParse(read.CI_SERVER_URL)) {
    return undefined;
  }
  const { CI_SERVER_FQDN: name } = env;
  const host = isSet(name) ? name : new URL(read.CI_SERVER_URL).host;
  const kind = isSet(env.CI_COMMIT_TAG) ? 'tags' : 'heads';
  return `${host}/${read.CI_PROJECT_PATH}//${file}@refs/${kind}/${read.CI_COMMIT_REF_NAME}`;
}

function derivedType(login: string, source: string): ActorType {
  if (botLogin.test(login)) return 'agent';
  return source === 'schedule' ? 'pipeline' : 'human';
}

/** Jobs of one `parallel` are deploys of their own. */
function jobOf({ CI_JOB_NAME: name }: Variables, env: Environment): string {
  const { CI_NODE_INDEX: index, CI_NODE_TOTAL: total } = env;
  const part = ` ${index ?? ''}/${total ?? ''}`;
  return !isSet(index) || name.endsWith(part) ? name : name + part;
}
