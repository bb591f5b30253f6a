/** The licences of what is bundled: `licenses.txt` beside the bundles, the same on every machine. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

/** SPDX ids that ask for no more than their text beside the copy. Another kind is a decision for people: the build fails. */
export const acceptedLicenses = [
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'Unlicense',
] as const;

/** Notices of what a package holds beside its own code, which no metafile shows. */
const notices: Readonly<Record<string, string>> = {
  'libpg-query': 'scripts/licenses/inside-libpg-query.txt',
};

interface BundledPackage {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** Its licence and notice files as they are, with the line ends of Unix. */
  readonly text: string;
}

/**
 * Writes `licenses.txt` into `folder`: every package of which at least one byte is in a bundle, sorted, without paths or dates.
 * @throws Error for a licence that is not among {@link acceptedLicenses}
 */
export async function writeLicenses(o: {
  readonly folder: string;
  readonly metafiles: readonly Metafile[];
}): Promise<void> {
  const roots = new Set(o.metafiles.flatMap(bundledRoots));
  const packages = new Map<string, BundledPackage>();
  for (const root of roots) {
    const found = await readPackage(root);
    packages.set(`${found.name} ${found.version}`, found);
  }
  const sections = [...packages.entries()]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([title, { license, text }]) => `== ${title}: ${license}\n\n${text}\n`);
  await writeFile(
    join(o.folder, 'licenses.txt'),
    ['What is bundled here beside Deploy Warrant itself, and its licences.\n', ...sections].join(
      '\n',
    ),
  );
}

/** The folders of the packages that have a share in the output, such as `node_modules/ajv-formats/node_modules/ajv`. */
function bundledRoots(metafile: Metafile): readonly string[] {
  const inputs = Object.values(metafile.outputs).flatMap((output) =>
    Object.entries(output.inputs).flatMap(([path, { bytesInOutput }]) =>
      bytesInOutput > 0 ? [path] : [],
    ),
  );
  return inputs.flatMap((path) => packageFolder.exec(path)?.[0] ?? []);
}

/** Up to the last `node_modules`: a package may lie in another one's. */
const packageFolder = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/;

async function readPackage(root: string): Promise<BundledPackage> {
  const { name, version, license } = JSON.parse(
    await readFile(join(root, 'package.json'), 'utf8'),
  ) as { readonly name: string; readonly version: string; readonly license?: unknown };
  if (!acceptedLicenses.some((accepted) => accepted === license)) {
    throw new Error(
      `${name} ${version} is bundled under ${JSON.stringify(license)}, which scripts/licenses.ts does not accept. Read that licence, then add it there, or leave the package out.`,
    );
  }
  return { name, version, license: String(license), text: await licenseText(root) };
}

async function licenseText(root: string): Promise<string> {
  const names = (await readdir(root)).filter((name) =>
    /^(licen[cs]e|copying|notice)\b/i.test(name),
  );
  const files = names.sort().map((name) => join(root, name));
  const notice = notices[root.split('node_modules/').at(-1) ?? root];
  const texts = await Promise.all(
    [...files, ...(notice === undefined ? [] : [notice])].map((path) => readFile(path, 'utf8')),
  );
  if (texts.length === 0) return 'The package comes without the text of its licence.';
  return texts.map((text) => text.replaceAll(/\r\n?/g, '\n').trim()).join('\n\n');
}
