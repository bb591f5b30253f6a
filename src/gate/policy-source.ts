import { readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { Fault, listProblems } from '../core/fault.ts';
import { maxRecordBytes } from '../core/json.ts';
import { parsePolicyText, type Policy } from '../core/policy.ts';
import { reasonOf } from '../core/reason.ts';
import { visible } from '../core/text.ts';

export interface PolicySource {
  /** The input `policy`: the document itself if it begins with `{`, else a path; empty where there is none. */
  readonly input: string;
  /** Folders the file must lie outside of: the workspace, the working directory. The repositories around them are added. */
  readonly outside: readonly string[];
}

/**
 * Reads the policy. A file, and each link on the way to it, has to lie where a commit can't change it.
 * @throws Fault configuration with every fault of the document
 */
export async function readPolicy({ input, outside }: PolicySource): Promise<Policy | undefined> {
  if (input === '') return undefined;
  const text = input.startsWith('{') ? input : await readPolicyFile(input, outside);
  const policy = parsePolicyText(text);
  if (policy.ok) return policy.value;
  const { problems } = policy;
  throw new Fault('configuration', `The policy is not acceptable:\n${listProblems(problems)}`, {
    problems,
  });
}

async function readPolicyFile(path: string, outside: readonly string[]): Promise<string> {
  const real = await unlessUnreadable(path, realpath(path));
  const places = [real, ...(await unlessUnreadable(path, placesOnTheWay(path)))];
  for (const root of await rootsAround(outside)) {
    if (places.some((place) => isInside(place, root))) {
      throw new Fault(
        'configuration',
        `The policy ${visible(path, 200)} lies inside ${visible(root, 200)}, where a commit could change it together with what it guards. Keep it outside of the workspace and the repository, or give the document itself, such as from a variable of the environment.`,
      );
    }
  }
  return unlessUnreadable(path, readText(real));
}

/** Where each name of the path as written really lies, links among them: a link in the workspace could lead anywhere. */
async function placesOnTheWay(path: string): Promise<readonly string[]> {
  const places: string[] = [];
  for (let name = resolve(path); name !== dirname(name); name = dirname(name)) {
    places.push(join(await realpath(dirname(name)), basename(name)));
  }
  return places;
}

async function readText(path: string): Promise<string> {
  const status = await stat(path);
  if (!status.isFile()) throw new Error('it is not a file');
  if (status.size > maxRecordBytes) throw new Error(`it is larger than ${maxRecordBytes} bytes`);
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(path));
}

async function unlessUnreadable<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new Fault(
      'configuration',
      `The policy ${visible(path, 200)} can't be read: ${reasonOf(cause)}. The input policy is the document itself, beginning with {, or the path of a file.`,
      { cause },
    );
  }
}

/** The real paths of the folders, and of every folder above them that holds a repository. */
async function rootsAround(folders: readonly string[]): Promise<ReadonlySet<string>> {
  const roots = new Set<string>();
  for (const folder of folders) {
    const real = await unlessUnreadable(folder, realpath(folder));
    roots.add(real);
    for (let above = dirname(real); above !== dirname(above); above = dirname(above)) {
      if (await exists(join(above, '.git'))) roots.add(above);
    }
  }
  return roots;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function isInside(path: string, root: string): boolean {
  const way = relative(root, path);
  return !isAbsolute(way) && way !== '..' && !way.startsWith(`..${sep}`);
}
