import type { GitObject } from './object-stream.ts';
import { isObjectId } from './repository.ts';

/** What a commit says of who wrote it: anything, for nobody vouches for it. Texts as they stand there, none shortened. */
export interface Author {
  readonly name: string;
  readonly email: string;
}

export interface Commit {
  readonly tree: string;
  readonly parents: readonly string[];
  /** Whoever is named as author, and as co-author by a trailer; the first is the author. */
  readonly authors: readonly [Author, ...Author[]];
  /** The first paragraph of the message on one line. */
  readonly subject: string;
  /** Seconds since the epoch, by the committer's clock. */
  readonly time: number;
}

/**
 * Reads a commit's own bytes: no configuration of the log, no `.mailmap`, no graft and no replacement has a say in it. Names and message are
 * decoded as the commit's header `encoding` says; addresses are compared with the policy's, and are taken as the bytes they are.
 * @returns nothing where the object is no commit
 */
export function parseCommit({ type, body }: GitObject): Commit | undefined {
  if (type !== 'commit') return undefined;
  const end = body.indexOf('\n\n');
  const header = body.subarray(0, end < 0 ? body.length : end);
  // The lines of a signature and of a merged tag begin with a blank; they are no headers of this commit.
  const [first, ...lines] = header.toString('latin1').split('\n');
  const [, tree = ''] = /^tree ([0-9a-f]+)$/.exec(String(first)) ?? [];
  if (!isObjectId(tree)) return undefined;
  const parents: string[] = [];
  for (const line of lines) {
    if (!line.startsWith('parent ')) break;
    const parent = line.slice('parent '.length);
    if (!isObjectId(parent)) return undefined;
    parents.push(parent);
  }
  const valueOf = (name: string) =>
    lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1) ?? '';
  const decode = decoder(valueOf('encoding'));
  const message = end < 0 ? Buffer.alloc(0) : body.subarray(end + 2);
  return {
    tree,
    parents,
    authors: [person(valueOf('author'), decode), ...coAuthors(message, decode)],
    subject: subjectOf(decode(message)),
    time: Number(/> (\d{1,12}) [+-]\d+$/.exec(valueOf('committer'))?.[1] ?? 0),
  };
}

type Decode = (bytes: Buffer) => string;

const utf8 = new TextDecoder('utf-8');

function decoder(encoding: string): Decode {
  if (encoding === '') return (bytes) => utf8.decode(bytes);
  try {
    const known = new TextDecoder(encoding);
    return (bytes) => known.decode(bytes);
  } catch {
    // An encoding that nobody knows changes no ASCII letter that we would miss.
    return (bytes) => utf8.decode(bytes);
  }
}

/** As git reads it: the name before the first `<`, the address up to the next `>`. `latin1` stands for bytes. */
function person(latin1: string, decode: Decode): Author {
  const [, name = latin1, email = ''] = /^([^<]*)<([^>]*)/.exec(latin1) ?? [];
  return {
    name: decode(Buffer.from(name, 'latin1')).trim(),
    email: utf8.decode(Buffer.from(email, 'latin1')).trim(),
  };
}

/** Wherever they stand: what is no trailer to one program is one to another, and nobody may hide behind the difference. */
const coAuthor =
  /^[ \t]*co-authored-by[ \t]*:((?:[^<>\r\n]|\r?\n[ \t]){0,500}<[^<>\r\n]{0,500}>)/gim;

function coAuthors(message: Buffer, decode: Decode): readonly Author[] {
  const text = message.toString('latin1').replace(/\r(?!\n)/g, '\n');
  return [...text.matchAll(coAuthor)].map(([, value]) =>
    person(String(value).replace(/\r?\n[ \t]/g, ' '), decode),
  );
}

function subjectOf(message: string): string {
  return message
    .trimStart()
    .replace(/\r?\n[ \t]*\r?\n.*$/s, '')
    .slice(0, 10_000);
}
