import { resolve } from 'node:path';
import { Fault } from '../core/fault.ts';
import { findSecret } from '../core/secrets.ts';
import { visible } from '../core/text.ts';
import { codeOf, readSmallFile } from './disk.ts';

const maxFileBytes = 4096;
const exact = /^sha256:[0-9a-f]{64}$/;
/** A reference to an image as pipelines write it. Of what stands before the digest only that it names no account. */
const reference = /^(?:docker|oci):\/\/[A-Za-z0-9][A-Za-z0-9._:/-]{0,254}@(sha256:[0-9a-f]{64})$/;

/** Whether a text means to be a reference rather than a digest. */
export function isReference(text: string): boolean {
  return /^(?:docker|oci):\/\//i.test(text);
}

/** The digest that a text is, or that a reference ends with; nothing where it holds none. */
export function digestIn(text: string): string | undefined {
  return exact.test(text) ? text : reference.exec(text)?.[1];
}

/** What is wrong with a reference without a digest, as the end of a sentence. */
export function noDigest(text: string): string {
  const shown =
    findSecret(text) === undefined
      ? `"${visible(text, 200)}"`
      : 'what looks like it holds a secret';
  return `must be sha256: and 64 lower-case hex digits, or docker:// or oci://, a name, @ and that, not ${shown}. A tag can name another image tomorrow: use the digest that the build or the registry gives, such as docker://ghcr.io/acme/api@sha256:…`;
}

/**
 * The digest of what is deployed, from the inputs `digest` and `digest-file`; absent where neither is given.
 * @param folder what a relative path starts from
 * @throws Fault configuration where the file holds no digest, or another than the input
 */
export function declaredDigest(
  declared: {
    readonly target: { readonly digest?: string };
    readonly digestFile?: string;
  },
  folder: string,
): { readonly digest?: string } {
  const { target, digestFile } = declared;
  if (digestFile === undefined) return target.digest === undefined ? {} : { digest: target.digest };
  const digest = readDigest(resolve(folder, digestFile), digestFile);
  if (target.digest === undefined || target.digest === digest) return { digest };
  throw new Fault(
    'configuration',
    `The input digest is ${visible(target.digest)}, but the file ${visible(digestFile)} (digest-file) holds ${digest}. Give one of them, or find out which of the two is to be deployed.`,
  );
}

function readDigest(path: string, shown: string): string {
  const file = `The file ${visible(shown)} (digest-file)`;
  let content: Buffer | undefined;
  try {
    content = readSmallFile(path, maxFileBytes);
  } catch (cause) {
    throw new Fault(
      'configuration',
      `${file} can't be read (${codeOf(cause)}). Give the path of a file that an earlier step wrote, not of a link; a relative one starts at the workspace.`,
      { cause },
    );
  }
  const text = content?.toString('utf8').replace(/\r?\n$/, '');
  if (text === undefined) {
    throw new Fault(
      'configuration',
      `${file} is larger than ${maxFileBytes} bytes. It must hold one digest and nothing else.`,
    );
  }
  const digest = digestIn(text);
  if (digest === undefined) throw new Fault('configuration', `${file} ${noDigest(text)}`);
  return digest;
}
