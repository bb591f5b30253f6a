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
