import { at, type Json } from './leaves.ts';

/** What the page needs to know of a deploy payload to say it in a sentence. Everything else is shown leaf by leaf. */
export interface Deploy {
  readonly service: string;
  readonly environment: string;
  readonly actorLogin: string;
  readonly actorType: string;
  /** Anything but "no migration" and "SQL, computed as harmless": what this page does not know counts as destructive. */
  readonly isDestructive: boolean;
}

/**
 * Reads a payload as a deploy, or says that it is none (undefined). It asks for less than the verifier does, so a payload that a
 * gate would take is always shown as the deploy it is, and its migration with it.
 */
export function readDeploy(payload: Json | undefined): Deploy | undefined {
  if (at(payload, 'schema') !== 'deploy-approval/v1') return undefined;
  const service = at(payload, 'facts', 'service');
  const environment = at(payload, 'facts', 'environment');
  const actorLogin = at(payload, 'facts', 'actor', 'login');
  const actorType = at(payload, 'facts', 'actor', 'type');
  if (typeof service !== 'string' || typeof environment !== 'string') return undefined;
  if (typeof actorLogin !== 'string' || typeof actorType !== 'string') return undefined;
  const kind = at(payload, 'facts', 'migration', 'kind');
  const isHarmless = kind === 'sql' && at(payload, 'facts', 'migration', 'destructive') === false;
  return {
    service,
    environment,
    actorLogin,
    actorType,
    isDestructive: kind !== 'none' && !isHarmless,
  };
}

/** A payload that says it is a deploy, but is none that this page can show as one. It is no other tool's payload either. */
export function isUnknownDeploy(payload: Json): boolean {
  const schema = at(payload, 'schema');
  const saysDeploy = typeof schema === 'string' && schema.startsWith('deploy-approval/');
  return saysDeploy && readDeploy(payload) === undefined;
}

/** Links to the forge, built from signed facts alone: never from a text of the requester's. */
export interface ForgeLinks {
  readonly run: string | undefined;
  readonly commit: string | undefined;
}

/**
 * GitHub's addresses of run and commit. Server absent means github.com. A fact that does not look as it must gives no link
 * rather than a wrong one; so does a deploy that no forge has numbered (`repository_id`), such as one from a laptop.
 */
export function forgeLinks(payload: Json): ForgeLinks {
  const fact = (name: string): string => {
    const value = at(payload, 'facts', name);
    return typeof value === 'string' ? value : '';
  };
  const server =
    at(payload, 'facts', 'server') === undefined ? 'https://github.com' : fact('server');
  const repository = fact('repository');
  const isForge =
    URL.canParse(server) &&
    new URL(server).origin === server &&
    server.startsWith('https://') &&
    /^[0-9]+$/.test(fact('repository_id')) &&
    /^[A-Za-z0-9_-][A-Za-z0-9._-]*\/[A-Za-z0-9._-]+$/.test(repository) &&
    !/\/\.{1,2}$/.test(repository);
  if (!isForge) return { run: undefined, commit: undefined };
  const root = `${server}/${repository}`;
  const [run, attempt, commit] = [fact('run_id'), fact('run_attempt'), fact('commit')];
  const isRun = /^[0-9]+$/.test(run) && /^[0-9]+$/.test(attempt);
  return {
    run: isRun ? `${root}/actions/runs/${run}/attempts/${attempt}` : undefined,
    commit: /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(commit) ? `${root}/commit/${commit}` : undefined,
  };
}
