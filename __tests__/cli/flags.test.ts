import { describe, expect, test } from '@jest/globals';
import { commands, serveWord } from '../../src/cli/commands.ts';
import { parseFlags } from '../../src/cli/flags.ts';
import { helpFor, helpForAll } from '../../src/cli/help.ts';
import { nearest } from '../../src/cli/nearest.ts';
import { Fault } from '../../src/core/fault.ts';
import { inputWords } from '../../src/gate/vocabulary.ts';
import { parseServiceConfig } from '../../src/service/config.ts';

const parse = (name: string, ...args: readonly string[]) =>
  parseFlags(name, { word: commands[name]!, args });

function refusal(name: string, ...args: readonly string[]): string {
  try {
    parse(name, ...args);
  } catch (error) {
    if (error instanceof Fault && error.code === 'configuration') return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('a flag is refused', () => {
  test.each([
    ['that there is not', 'verify', ['--aproval-id', 'x'], 'Did you mean --approval-id?'],
    ['of another command', 'verify', ['--reason', 'x'], 'There is no flag --reason'],
    ['without a value', 'verify', ['--approval-id'], 'needs a value'],
    ['that another flag follows', 'verify', ['--approval-id', '--json'], '--approval-id=VALUE'],
    ['that is given twice', 'verify', ['--service', 'a', '--service', 'b'], 'twice'],
    ['that is a switch with a value', 'verify', ['--json=yes'], 'takes no value'],
    ['with one dash', 'verify', ['-service', 'a'], 'There is no flag'],
    ['that is denied', 'verify', ['--no-json'], 'There is no flag'],
    ['named like a member of every object', 'verify', ['--constructor', 'x'], 'There is no flag'],
    ['that holds a secret', 'request', ['--api-key', 'k'], 'DEPLOY_WARRANT_API_KEY'],
    [
      'that holds the token of GitHub',
      'request',
      ['--github-token=k'],
      'secret on the command line',
    ],
    ['when it hides itself', 'verify', ['--ser\u202evice', 'x'], '\\u{202E}'],
  ])('%s', (_name, command, args, word) => {
    expect(refusal(command, ...args)).toContain(word);
  });

  test('together with an argument that is none', () => {
    expect(refusal('verify', 'production')).toContain('an argument too many: production');
    expect(refusal('compare', 'one.json')).toContain('FINAL is missing');
    expect(refusal('compare', 'a', 'b', 'c')).toContain('too many: c');
  });
});

describe('flags', () => {
  test('that are lists may be given several times', () => {
    const { flags } = parse('request', '--approver', 'alex', '--approver=dana');
    expect(flags.get('approver')).toEqual(['alex', 'dana']);
  });

  test('may have a value that begins with a dash, if it is joined', () => {
    expect(parse('request', '--rollback-command=-x').flags.get('rollback-command')).toEqual(['-x']);
  });

  test.each([
    ['request', 'request'],
    ['verify', 'verify'],
    ['run', 'request'],
  ] as const)('of %s are the inputs of the action %s, without its secrets', (command, step) => {
    const inputs = inputWords(step).filter(([, { secret }]) => secret !== true);
    const own = ['api-key-file', 'record-dir', 'json', 'help'];
    expect(Object.keys(commands[command]!.flags).filter((name) => !own.includes(name))).toEqual(
      inputs.map(([name]) => name),
    );
  });

  test('of serve are those that the service reads', () => {
    const names = Object.keys(serveWord.flags).filter((name) => name !== 'help');
    const sample: Readonly<Record<string, string>> = {
      port: '0',
      host: 'localhost',
      data: 'd',
      origin: 'https://approve.example.com',
      'rp-id': 'approve.example.com',
      'oidc-issuer': 'gitlab=https://gitlab.example.com',
      'notify-url': 'https://chat.example.com/x',
      'page-dir': 'p',
    };
    const args = names.flatMap((name) => [`--${name}`, sample[name] ?? '']);
    expect(() => parseServiceConfig({ args, env: {} })).not.toThrow();
    expect(names.sort()).toEqual(Object.keys(sample).sort());
  });
});

test('the help names every command, and every flag of each', () => {
  for (const [name, { flags, summary }] of Object.entries({ ...commands, serve: serveWord })) {
    expect(helpForAll()).toContain(`${name} `);
    expect(helpForAll()).toContain(summary);
    for (const flag of Object.keys(flags)) expect(helpFor(name)).toContain(`--${flag}`);
  }
  expect(helpFor('constructor')).toBeUndefined();
});

describe('the example of', () => {
  test.each(Object.entries({ ...commands, serve: serveWord }))('%s', (name, word) => {
    const [command, ...args] = word.example.split(' ');
    expect(command).toBe(name);
    expect(() =>
      parseFlags(name, { word: { ...word, load: () => Promise.reject(new Error()) }, args }),
    ).not.toThrow();
    expect(helpFor(name)).toContain(`Example:\n  deploy-warrant ${word.example}`);
  });
});

describe('run', () => {
  test('leaves to the command what stands after the first two dashes', () => {
    const { flags, positionals } = parse('run', '--service', 'api', '--', 'x', '--service', '--');
    expect(flags.get('service')).toEqual(['api']);
    expect(positionals).toEqual(['x', '--service', '--']);
  });

  test.each([
    ['no command', ['--service', 'api'], 'The command is missing'],
    ['an empty command', ['--', ''], 'The command is missing'],
    ['a command without the dashes', ['./deploy.sh'], 'too many: ./deploy.sh'],
    ['a command before the dashes', ['./deploy.sh', '--', 'x'], 'too many: ./deploy.sh'],
  ])('refuses %s', (_name, args, word) => {
    expect(refusal('run', ...args)).toContain(word);
  });
});

test('the nearest word is near, or none', () => {
  expect(nearest('verfy', ['request', 'verify'])).toBe('verify');
  expect(nearest('policies', ['policy', 'invite'])).toBeUndefined();
  expect(nearest('', ['policy'])).toBeUndefined();
});
