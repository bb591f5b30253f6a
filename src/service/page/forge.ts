import { isCommit } from './last-deploy.ts';
import { at, type Json } from './leaves.ts';

/** Links to the forge, built from signed facts alone: never from a text of the requester's. */
export interface ForgeLinks {
  readonly run: string | undefined;
  readonly commit: string | undefined;
  /** What came between an earlier commit and this one. */
  readonly compare: (from: string) => string | undefined;
}

const noLinks: ForgeLinks = { run: undefined, commit: undefined, compare: () => undefined };

/**
 * Addresses of run, commit and comparison at GitHub or GitLab. Server absent means github.com. A fact that does not look as it
 * must gives no link rather than a wrong one; so does a deploy that no forge has numbered (`repository_id`), such as one from a laptop.
 */
export function forgeLinks(payload: Json): ForgeLinks {
  const fact = (name: string): string => {
    const value = at(payload, 'facts', name);
    return typeof value === 'string' ? value : '';
  };
  const server =
    at(payload, 'facts', 'server') === undefined ? 'https://github.com' : fact('server');
  if (!URL.canParse(server)) return noLinks;
  const { origin, host } = new URL(server);
  if (origin !== server || !server.startsWith('https://')) return noLinks;
  const repository = fact('repository');
  // GitLab names its file `gitlab.example.com/group/project//.gitlab-ci.yml@refs/heads/main`.
  const isGitLab = host === 'gitlab.com' || fact('workflow').startsWith(`${host}/${repository}//`);
  if (!/^[0-9]+$/.test(fact('repository_id')) || !isRepository(repository, isGitLab)) {
    return noLinks;
  }
  const root = `${server}/${repository}${isGitLab ? '/-' : ''}`;
  const [run, attempt, commit] = [fact('run_id'), fact('run_attempt'), fact('commit')];
  const runPath = isGitLab ? `pipelines/${run}` : `actions/runs/${run}/attempts/${attempt}`;
  const isRun = /^[0-9]+$/.test(run) && /^[0-9]+$/.test(attempt);
  return {
    run: isRun ? `${root}/${runPath}` : undefined,
    commit: isCommit(commit) ? `${root}/commit/${commit}` : undefined,
    compare: (from) =>
      isCommit(from) && isCommit(commit) ? `${root}/compare/${from}...${commit}` : undefined,
  };
}

/** `owner/name`; at GitLab a path of any depth. */
function isRepository(path: string, isGitLab: boolean): boolean {
  const parts = path.split('/');
  return (
    /^[A-Za-z0-9_-]/.test(path) &&
    (isGitLab ? parts.length >= 2 : parts.length === 2) &&
    parts.every((part) => /^[A-Za-z0-9._-]+$/.test(part) && part !== '.' && part !== '..')
  );
}
