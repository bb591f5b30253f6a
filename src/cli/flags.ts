import { parseArgs } from 'node:util';
import { Fault } from '../core/fault.ts';
import { visible } from '../core/text.ts';
import type { CommandWord } from './command.ts';
import { nearest } from './nearest.ts';

export interface ParsedFlags {
  readonly flags: ReadonlyMap<string, readonly string[]>;
  readonly positionals: readonly string[];
}

/** Flags that would put a secret into the list of processes and the history of the shell. */
const secretFlags: ReadonlySet<string> = new Set(['api-key', 'key', 'token', 'github-token']);

/**
 * The flags of one command. Nothing is guessed: an unknown flag, one without a value, one given twice and a stray argument
 * are refused.
 * @throws Fault configuration with the nearest flag there is
 */
export function parseFlags(
  name: string,
  { word, args }: { readonly word: CommandWord; readonly args: readonly string[] },
): ParsedFlags {
  const options = Object.fromEntries(
    Object.entries(word.flags).map(([flag, { value }]) => [
      flag,
      { type: value === undefined ? ('boolean' as const) : ('string' as const), multiple: true },
    ]),
  );
  const { own, rest } = splitAtCommand(args);
  const { tokens } = parseArgs({
    args: word.takesCommand === true ? [...own] : [...args],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const flags = new Map<string, string[]>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const flag = Object.hasOwn(word.flags, token.name) ? word.flags[token.name] : undefined;
    if (flag === undefined || !token.rawName.startsWith('--')) {
      throw unknownFlag(name, token.rawName, Object.keys(word.flags));
    }
    const values = flags.get(token.name) ?? [];
    if (values.length > 0 && flag.repeatable !== true) {
      throw refusal(name, `--${token.name} is given twice. Give it once.`);
    }
    values.push(flag.value === undefined ? switchValue(name, token) : stringValue(name, token));
    flags.set(token.name, values);
  }
  checkPositionals(name, word, positionals);
  if (word.takesCommand !== true) return { flags, positionals };
  if ((rest[0] ?? '') === '') {
    throw refusal(name, 'The command is missing: give it after --, such as -- ./deploy.sh.');
  }
  return { flags, positionals: rest };
}

/** What is before `--` and what comes after it. */
export function splitAtCommand(args: readonly string[]): {
  readonly own: readonly string[];
  readonly rest: readonly string[];
} {
  const at = args.indexOf('--');
  return at < 0 ? { own: args, rest: [] } : { own: args.slice(0, at), rest: args.slice(at + 1) };
}

interface OptionToken {
  readonly name: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function stringValue(command: string, { name, value, inlineValue }: OptionToken): string {
  if (value === undefined) throw refusal(command, `--${name} needs a value.`);
  if (inlineValue !== true && value.startsWith('-')) {
    throw refusal(
      command,
      `--${name} is followed by ${visible(value, 60)}, which looks like another flag. If it is the value, write --${name}=VALUE.`,
    );
  }
  return value;
}

function switchValue(command: string, { name, value }: OptionToken): string {
  if (value !== undefined) throw refusal(command, `--${name} takes no value.`);
  return 'true';
}

function unknownFlag(command: string, rawName: string, known: readonly string[]): Fault {
  const flag = rawName.replace(/^-+/, '');
  if (secretFlags.has(flag)) {
    return refusal(
      command,
      `There is no flag --${flag}: a secret on the command line can be read by every process of the machine. Put the key into the variable DEPLOY_WARRANT_API_KEY, or name a file by --api-key-file.`,
    );
  }
  const suggestion = nearest(flag, known);
  const meant = suggestion === undefined ? '' : ` Did you mean --${suggestion}?`;
  return refusal(command, `There is no flag ${visible(rawName, 60)}.${meant}`);
}

function checkPositionals(
  command: string,
  { positionals: names }: CommandWord,
  given: readonly string[],
): void {
  const stray = given[names.length];
  if (stray !== undefined) {
    throw refusal(command, `There is an argument too many: ${visible(stray, 60)}.`);
  }
  const missing = names[given.length];
  if (missing !== undefined) throw refusal(command, `The argument ${missing} is missing.`);
}

function refusal(command: string, problem: string): Fault {
  return new Fault(
    'configuration',
    `${problem} "deploy-warrant ${command} --help" lists what there is.`,
  );
}
