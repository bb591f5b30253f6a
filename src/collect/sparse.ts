import { copyFile, mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { runGit } from './git.ts';
import type { Objects } from './objects.ts';
import { configured, gitPath, type Repository } from './repository.ts';

/**
 * Which of these tracked paths (bytes as latin1) the repository's sparse checkout leaves out, by git's own matching of the patterns:
 * a tree of just these paths is checked out sparsely into an empty folder of ours. The marks in the repository's index
 * (skip-worktree) are not asked.
 */
export async function outsideSparseCheckout(
  objects: Objects,
  options: { readonly repository: Repository; readonly paths: readonly Buffer[] },
): Promise<ReadonlySet<string>> {
  const { git, gitDir } = objects;
  const { repository, paths } = options;
  if (paths.length === 0) return new Set();
  const setting = async (name: string) =>
    (await configured(git, repository, ['--type=bool', name])) === 'true';
  if (!(await setting('core.sparseCheckout'))) return new Set();
  const cone = await setting('core.sparseCheckoutCone');

  const patterns = await gitPath(git, repository, 'info/sparse-checkout');
  await mkdir(join(gitDir, 'info'), { recursive: true });
  try {
    await copyFile(patterns, join(gitDir, 'info', 'sparse-checkout'));
  } catch {
    // Without readable patterns git leaves nothing out.
    return new Set();
  }
  const workTree = await mkdtemp(join(git.home, 'sparse-'));
  const settings = [
    'core.bare=false',
    'core.sparseCheckout=true',
    `core.sparseCheckoutCone=${cone}`,
  ];
  const run = (args: readonly string[], input?: Buffer | string) =>
    runGit(git, {
      args,
      settings,
      cwd: workTree,
      gitDir,
      workTree,
      ...(input === undefined ? {} : { input }),
    });
  const blob = (await run(['hash-object', '-w', '--stdin'], '')).toString().trim();
  const lines = paths.map((path) =>
    Buffer.concat([Buffer.from(`100644 ${blob}\t`), path, Buffer.from('\0')]),
  );
  await run(['update-index', '-z', '--index-info'], Buffer.concat(lines));
  const tree = (await run(['write-tree'])).toString().trim();
  await run(['read-tree', '--empty']);
  await run(['read-tree', '-m', '-u', tree]);
  const listed = (await run(['ls-files', '-z', '-t'])).toString('latin1').split('\0');
  return new Set(listed.filter((line) => line.startsWith('S ')).map((line) => line.slice(2)));
}
