/**
 * The words of both steps: every input and output by name. The action files, the flags of the command line and the tables
 * of the README say exactly this (held by `__tests__/gate/vocabulary.test.ts`).
 */
export type Step = 'request' | 'verify';

interface InputWord {
  readonly description: string;
  /** The step cannot do without it, whatever else is given. */
  readonly required?: true;
  /** Never a flag: it comes from a secret of the pipeline or from the environment. */
  readonly secret?: true;
}

/** What is about to run. Both steps take these, and their values must be equal in both. */
const factInputs = {
  service: { required: true, description: 'What is deployed, such as `api` or `@acme/api`.' },
  environment: { required: true, description: 'Where it is deployed, such as `production`.' },
  region: { description: 'Region of the target.' },
  account: { description: 'Cloud account of the target.' },
  tenant: { description: 'Tenant of the target.' },
  cluster: { description: 'Cluster of the target.' },
  commit: {
    description: 'Full id of the commit, if it is not that of the event. It must be checked out.',
  },
  digest: {
    description:
      'Digest of the image or artifact: `sha256:` and 64 hex digits, or a `docker://` or `oci://` reference that ends with `@` and one.',
  },
  'digest-file': {
    description:
      'Path of a file that holds the digest, such as one that the build wrote. This, or `digest`, or both with the same digest.',
  },
  'actor-type': {
    description: '`agent`, if an agent started this run under the account of a person.',
  },
  migration: { required: true, description: '`none`, `sql` or `other`.' },
  'migration-files': {
    description:
      'The migration files, one glob a line: lines in order, bytewise within a line. Each must match.',
  },
  'migration-command': { description: 'The command that runs the migration.' },
  'migration-dialect': {
    description: '`postgresql`, `mysql` or `sqlite`: with `migration: sql`, how to read the files.',
  },
  since: {
    description:
      'Of the migration files, only those that the commit adds or changes since this ref, such as `refs/tags/v1.41.2`.',
  },
  'rollback-version': { description: 'How to go back: the version to deploy instead.' },
  'rollback-command': { description: 'How to go back: the command to run.' },
  'rollback-runbook': { description: 'How to go back: where the instructions are.' },
  'rollback-note': { description: 'What else the approver should know about going back.' },
  'working-directory': {
    description: 'Folder of the checkout, if it is not the root of the workspace.',
  },
} as const satisfies Record<string, InputWord>;

const serviceInputs = {
  policy: {
    description:
      'Who may approve: an `approval-policy/v1` document, or the path of one outside the workspace.',
  },
  'api-url': { description: 'Address of the approval API, including `/api`.' },
  'api-key': {
    secret: true,
    description:
      'Key of the approval API: it can ask and redeem, never approve. Needed only where the job may not have an OIDC token (`id-token: write`), or the service does not take it.',
  },
  assurance: {
    description:
      '`signature`, the default; or `service`, to believe the service without a signature.',
  },
} as const satisfies Record<string, InputWord>;

export const stepInputs = {
  request: {
    ...factInputs,
    approver: {
      description:
        'Whom to ask, one or more separated by commas or lines. Default: all whom the policy lists.',
    },
    ...serviceInputs,
    reason: { description: 'Why, in your words; signed with the facts and shown to the approver.' },
    'wait-minutes': { description: 'Decide by: how long to wait for a decision. Default: 30.' },
    'valid-minutes': {
      description:
        'Deploy by: how long the approval is valid, at least 10 minutes longer than the wait. Default: 60.',
    },
    'github-token': {
      secret: true,
      description:
        'Token with `statuses: write`, to show the commit status `deploy-warrant/<environment>`.',
    },
  },
  verify: {
    ...factInputs,
    'approval-id': { description: 'Output `approval-id` of the request. This, or `record`.' },
    record: {
      description:
        'An `approval-record/v1` document, or the path of one, instead of `approval-id`.',
    },
    ...serviceInputs,
  },
} as const satisfies Record<Step, Record<string, InputWord>>;

export type FactInputName = keyof typeof factInputs;
export type InputName<S extends Step> = keyof (typeof stepInputs)[S] & string;

export const factInputNames = Object.keys(factInputs) as readonly FactInputName[];

/** Every input of a step, in the order of its action file. */
export function inputWords(step: Step): readonly (readonly [name: string, word: InputWord])[] {
  return Object.entries(stepInputs[step]);
}

const commonOutputs = {
  'approval-id': { description: 'Id of the approval, or ids joined by commas.' },
  'approval-url': { description: 'Link to the approval page.' },
  status: {
    description: '`approved`; `decided`, where no policy says who may approve; or the reason code.',
  },
  'reason-code': { description: 'Why it ended: `approved` or the reason of the refusal.' },
  'payload-hash': { description: 'SHA-256 of the signed bytes.' },
  fingerprint: { description: 'The first 8 digits of the hash, to recognise the request by.' },
  approvers: { description: 'Who approved, joined by commas.' },
  record: { description: 'The approval record, one line of JSON.' },
  'record-path': { description: 'Folder with record, facts, policy and verdict, for an auditor.' },
} as const;

export const stepOutputs = {
  request: commonOutputs,
  verify: {
    ...commonOutputs,
    service: { description: 'The service, as it was checked.' },
    environment: { description: 'The environment, as it was checked.' },
    commit: { description: 'The commit, as it was checked.' },
    digest: { description: 'The digest, as it was checked; empty if none was declared.' },
  },
} as const;

export type OutputName = keyof (typeof stepOutputs)['verify'];
export type Outputs = Readonly<Partial<Record<OutputName, string>>>;

/** All that is written on a refusal: nothing that a later step could deploy with. */
export const refusalOutputs = ['approval-id', 'approval-url', 'status', 'reason-code'] as const;
