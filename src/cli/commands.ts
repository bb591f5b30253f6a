import { inputWords, type Step } from '../gate/vocabulary.ts';
import type { CommandWord, FlagWord } from './command.ts';

/** What every command takes. */
const help: FlagWord = { description: 'Explains this command.' };
const json: FlagWord = { description: 'Prints the result as one line of JSON.' };
const apiUrl: FlagWord = {
  value: 'URL',
  description: 'Address of the approval API, including `/api`. Default: DEPLOY_WARRANT_API_URL.',
};
const apiKeyFile: FlagWord = {
  value: 'FILE',
  description:
    'File with the API key, which nobody else may read (chmod 600). Default: DEPLOY_WARRANT_API_KEY.',
};
const recordDir: FlagWord = {
  value: 'DIR',
  description:
    'An existing folder in which the record folder is made. Default: a temporary folder.',
};

/** Inputs that are lists; the actions take one a line. */
const lists: ReadonlySet<string> = new Set(['approver', 'migration-files']);

/** The inputs of a step as flags. Secrets are never flags. */
function stepFlags(step: Step): Readonly<Record<string, FlagWord>> {
  const words = inputWords(step).filter(([, { secret }]) => secret !== true);
  return Object.fromEntries([
    ...words.map(([name, { description }]): [string, FlagWord] => [
      name,
      { value: 'VALUE', description, ...(lists.has(name) ? { repeatable: true } : {}) },
    ]),
    ['api-url', apiUrl],
    ['api-key-file', apiKeyFile],
    ['record-dir', recordDir],
    ['json', json],
    ['help', help],
  ]);
}

/** Run by an executable of its own (`./serve.ts`), which checks the flags. */
export const serveWord: Omit<CommandWord, 'load'> = {
  summary: 'Runs the approval service.',
  example: 'serve --data /var/lib/deploy-warrant --origin https://approve.example.com',
  positionals: [],
  flags: {
    port: { value: 'PORT', description: 'Port to listen on; 0 takes any. Default: 8080.' },
    host: { value: 'HOST', description: 'Address to listen on. Default: localhost.' },
    data: { value: 'DIR', description: 'Folder of the store. Default: deploy-warrant-data.' },
    origin: {
      value: 'URL',
      description: 'Where people and gates reach the service. Default: http://localhost:PORT.',
    },
    'rp-id': {
      value: 'HOST',
      description: "Relying party of the passkeys. Default: the origin's host.",
    },
    'oidc-issuer': {
      value: 'PROVIDER=URL',
      repeatable: true,
      description:
        'Whose ID tokens of CI jobs are believed: github=URL or gitlab=URL. Default: github.com and gitlab.com.',
    },
    'notify-url': { value: 'URL', description: 'Gets a JSON message for each new request.' },
    'page-dir': { value: 'DIR', description: 'Folder of the built approval page.' },
    help,
  },
};

export const commands: Readonly<Record<string, CommandWord>> = {
  invite: {
    summary: 'Makes an invite, by which a person enrols a passkey. Needs an admin key.',
    example: 'invite --api-url https://approve.example.com/api --note Alex',
    positionals: [],
    flags: {
      'api-url': apiUrl,
      'api-key-file': apiKeyFile,
      note: { value: 'TEXT', description: 'Whom it is for.' },
      'max-uses': { value: 'N', description: 'How many passkeys it makes. Default: 1.' },
      json,
      help,
    },
    load: async () => (await import('./invite.ts')).invite,
  },
  key: {
    summary: 'Makes a request key, shown once. Needs an admin key.',
    example: 'key --repositories acme/shop --services api --environments production --note ci',
    positionals: [],
    flags: {
      'api-url': apiUrl,
      'api-key-file': apiKeyFile,
      note: { value: 'TEXT', description: 'What it is for.' },
      repositories: {
        value: 'NAME',
        repeatable: true,
        description: 'Repositories it may ask for, or `*`.',
      },
      services: {
        value: 'NAME',
        repeatable: true,
        description: 'Services it may ask for, or `*`.',
      },
      environments: {
        value: 'NAME',
        repeatable: true,
        description: 'Environments it may ask for, or `*`.',
      },
      json,
      help,
    },
    load: async () => (await import('./key.ts')).key,
  },
  repository: {
    summary:
      'Adds, lists or removes repositories whose jobs may ask by the ID token of their CI, without a key; ACTION is add, list or remove. Needs an admin key.',
    example:
      'repository add --provider github --id 123456789 --services api --environments production --note shop',
    positionals: ['ACTION'],
    flags: {
      'api-url': apiUrl,
      'api-key-file': apiKeyFile,
      provider: { value: 'NAME', description: 'Whose CI it is: github or gitlab.' },
      id: {
        value: 'NUMBER',
        description:
          "The repository's number at the forge: `repository_id` of GitHub, the project ID of GitLab.",
      },
      services: {
        value: 'NAME',
        repeatable: true,
        description: 'Services its jobs may ask for, or `*`.',
      },
      environments: {
        value: 'NAME',
        repeatable: true,
        description: 'Environments its jobs may ask for, or `*`.',
      },
      issuer: {
        value: 'URL',
        description: 'Needed where the service trusts several issuers of one provider.',
      },
      note: { value: 'TEXT', description: 'What it is.' },
      json,
      help,
    },
    load: async () => (await import('./repository.ts')).repository,
  },
  policy: {
    summary: 'Prints a policy with the passkeys of the service. Needs an admin key.',
    example: 'policy --environment production --account alex=github:1234567:alexdoe',
    positionals: [],
    flags: {
      'api-url': apiUrl,
      'api-key-file': apiKeyFile,
      environment: {
        value: 'NAME',
        repeatable: true,
        description: 'Environment to write a rule for.',
      },
      account: {
        value: 'NAME=PROVIDER:ID:LOGIN',
        repeatable: true,
        description: 'Account from which a person starts deploys: nobody may approve their own.',
      },
      quorum: { value: 'N', description: 'How many people must approve. Default: 1.' },
      'relying-party-id': { value: 'HOST', description: "Default: the origin's host." },
      origin: {
        value: 'URL',
        description: 'Where the approval page is. Default: that of the API.',
      },
      json,
      help,
    },
    load: async () => (await import('./policy.ts')).policy,
  },
  revoke: {
    summary:
      'Revokes a passkey, whose approvals can then be redeemed no more, or a key. Needs an admin key.',
    example: 'revoke --passkey qWx0Zb3nT1mXoO4t6Zk0Ew',
    positionals: [],
    flags: {
      'api-url': apiUrl,
      'api-key-file': apiKeyFile,
      passkey: { value: 'ID', description: 'Id of the passkey, as the policy names it.' },
      key: { value: 'ID', description: 'Id of the API key, as "deploy-warrant key" said it.' },
      json,
      help,
    },
    load: async () => (await import('./revoke.ts')).revoke,
  },
  request: {
    summary: 'Asks for an approval of exactly this deploy, and waits.',
    example:
      'request --service api --environment production --migration none --rollback-version v1.41.2 --policy ~/policy.json',
    positionals: [],
    flags: stepFlags('request'),
    load: async () => (await import('./step.ts')).request,
  },
  verify: {
    summary: 'Right before the deploy: checks the approval again, and uses it up.',
    example:
      'verify --approval-id 7b1c6a52-1f5e-4c57-9a0e-3d1b0f1d2c3e --service api --environment production --migration none --rollback-version v1.41.2 --policy ~/policy.json',
    positionals: [],
    flags: stepFlags('verify'),
    load: async () => (await import('./step.ts')).verify,
  },
  run: {
    summary:
      'Asks, waits, verifies, uses the approval up, then runs the command; without an approval it does not start. In one process.',
    example:
      'run --service api --environment production --migration none --rollback-version v1.41.2 --policy ~/policy.json -- ./deploy.sh production',
    positionals: [],
    takesCommand: true,
    flags: {
      ...stepFlags('request'),
      json: { description: "Prints a refusal as one line of JSON; stdout is else the command's." },
    },
    load: async () => (await import('./run.ts')).run,
  },
  audit: {
    summary:
      'Checks a record folder offline: whether the record holds, and every fault if not. It opens nothing.',
    example: 'audit ./deploy-warrant-record-x7Kq2L --at 2026-11-22T10:10:00Z',
    positionals: ['DIR'],
    flags: {
      at: {
        value: 'TIME',
        description:
          'As of when, such as 2026-11-22T10:10:00Z. Default: when the approval was redeemed, else now.',
      },
      json,
      help,
    },
    load: async () => (await import('./audit.ts')).audit,
  },
  compare: {
    summary: 'Compares two deploy-facts/v1 files: 0 equal, 20 different, 21 not acceptable.',
    example: 'compare signed.json final.json',
    positionals: ['SIGNED', 'FINAL'],
    flags: { json, help },
    load: async () => (await import('./compare.ts')).compare,
  },
  check: {
    summary:
      'Says whether a facts, payload, record or policy file is acceptable, with every problem.',
    example: 'check policy.json',
    positionals: ['FILE'],
    flags: { json, help },
    load: async () => (await import('./check.ts')).check,
  },
};
