/** Proves the work tree of the folder that it is given, and prints how long that took. */
import { withGit } from '../../src/collect/git.ts';
import { findRepository } from '../../src/collect/repository.ts';
import { proveWorkTree } from '../../src/collect/tree.ts';

/** What is printed, as JSON. */
export interface Proven {
  readonly wallMs: number;
  readonly files: number;
}

const [start = '', commit = ''] = process.argv.slice(2);
const begun = performance.now();
const repository = await findRepository({ start });
const { files } = await withGit({ path: undefined, untrusted: [] }, (git) =>
  proveWorkTree(git, { repository, commit }),
);
const proven: Proven = { wallMs: performance.now() - begun, files: files.length };
console.log(JSON.stringify(proven));
