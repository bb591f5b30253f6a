import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { workflowSources } from '../../scripts/workflows/sources.ts';
import { commands } from '../../src/cli/commands.ts';

interface Step {
  readonly id?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, string>>;
  readonly if?: string;
  readonly 'continue-on-error'?: unknown;
}
interface Job {
  readonly uses?: string;
  readonly environment?: string | { readonly name: string };
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps?: readonly Step[];
  readonly if?: string;
  readonly 'continue-on-error'?: unknown;
}
interface Workflow {
  readonly jobs: Readonly<Record<string, Job>>;
}
interface ActionFile {
  readonly inputs: Readonly<Record<string, { readonly required?: boolean }>>;
  readonly outputs: Readonly<Record<string, unknown>>;
}

const actions: Readonly<Record<string, ActionFile>> = {
  request: parse(readFileSync('action.yml', 'utf8')) as ActionFile,
  verify: parse(readFileSync('verify/action.yml', 'utf8')) as ActionFile,
};
const stepName = ({ uses = '' }: Step): string | undefined =>
  /^deploy-warrant\/deploy-warrant(\/verify)?@/.exec(uses)
    ? uses.includes('/verify@')
      ? 'verify'
      : 'request'
    : undefined;

/** Everything people copy: examples and the blocks of the documents, but not this repository's own workflows. */
const documented = workflowSources('.')
  .filter(({ kind }) => kind !== 'file')
  .map(({ origin, text }) => ({ origin, text, workflow: parse(text) as Workflow }));
const stepsOf = ({ jobs }: Workflow): readonly Step[] =>
  Object.values(jobs).flatMap(({ steps = [] }) => steps);
const withGate = documented.filter(({ workflow }) => stepsOf(workflow).some(stepName));

describe('the documented workflows', () => {
  test('are all seen: README, verify/README, and each example', () => {
    expect(withGate.map(({ origin }) => origin.replace(/:\d+$/, ''))).toEqual(
      expect.arrayContaining([
        'README.md',
        'verify/README.md',
        ...['one-job', 'regions', 'reusable', 'two-jobs'].map(
          (name) => `examples/github/${name}.yml`,
        ),
      ]),
    );
  });

  test.each(withGate)(
    '$origin passes inputs that exist, and all that are required',
    ({ workflow }) => {
      for (const step of stepsOf(workflow)) {
        const name = stepName(step);
        if (name === undefined) continue;
        const { inputs } = actions[name]!;
        const given = Object.keys(step.with ?? {});
        expect(Object.keys(inputs)).toEqual(expect.arrayContaining(given));
        const required = Object.entries(inputs).filter(([, { required }]) => required === true);
        expect(given).toEqual(expect.arrayContaining(required.map(([input]) => input)));
      }
    },
  );

  test.each(withGate)('$origin reads outputs that exist', ({ text }) => {
    const reads = [...text.matchAll(/steps\.(request|verify)\.outputs\.([a-z-]+)/g)];
    expect(reads.length).toBeGreaterThan(0);
    for (const [, step, output] of reads) {
      expect(Object.keys(actions[step!]!.outputs)).toContain(output);
    }
  });

  test.each(withGate)('$origin declares the same facts to both steps', ({ workflow, origin }) => {
    const shared = stepsOf(workflow)
      .filter(stepName)
      .map((step) =>
        Object.entries(step.with ?? {})
          .filter(([input]) => input in actions.request!.inputs && input in actions.verify!.inputs)
          .sort(),
      );
    expect(shared).toHaveLength(origin.startsWith('verify/') ? 1 : 2);
    expect(shared.at(0)).toEqual(shared.at(-1));
  });

  test.each(documented)(
    '$origin lets nothing run past a gate that failed',
    ({ workflow, text }) => {
      for (const part of [...Object.values(workflow.jobs), ...stepsOf(workflow)]) {
        expect(part.if).toBeUndefined();
        expect(part['continue-on-error']).toBeUndefined();
      }
      expect(text).not.toMatch(/always\(\)|failure\(\)|cancelled\(\)|\|\| true/);
    },
  );

  test.each(withGate)(
    '$origin deploys after verify, with what verify has checked',
    ({ workflow }) => {
      const steps = Object.values(workflow.jobs).at(-1)!.steps!;
      const at = steps.findIndex((step) => stepName(step) === 'verify');
      const after = steps.slice(at + 1);
      expect(after.at(-1)?.run).toBeDefined();
      // Only the credentials may come between, and never before.
      for (const step of after.slice(0, -1)) expect(step.uses).toContain('credentials@');
      for (const step of steps.slice(0, at)) expect(step.uses ?? '').not.toContain('credentials@');
      expect(JSON.stringify(after)).toContain('steps.verify.outputs.commit');
    },
  );

  test.each(documented)(
    '$origin names an environment in every job that has steps',
    ({ workflow }) => {
      for (const { steps, environment } of Object.values(workflow.jobs)) {
        if (steps !== undefined) expect(environment).toBeDefined();
      }
    },
  );

  test.each(documented)('$origin keeps expressions out of shell scripts', ({ workflow }) => {
    for (const { run = '' } of stepsOf(workflow)) expect(run).not.toContain('${{');
  });
});

describe('what binds', () => {
  const trust = JSON.parse(readFileSync('examples/cloud/aws-trust-policy.json', 'utf8')) as {
    readonly Statement: readonly [
      { readonly Condition: { readonly StringEquals: Readonly<Record<string, string>> } },
    ];
  };
  const equals = trust.Statement[0].Condition.StringEquals;
  const subject = equals['token.actions.githubusercontent.com:sub']!;

  test('the role trusts exactly the reusable workflow, at the commit that the caller names, in the environment', () => {
    const caller = parse(readFileSync('examples/github/caller.yml', 'utf8')) as Workflow;
    const { uses } = caller.jobs.deploy!;
    expect(uses).toMatch(/\/reusable\.yml@[0-9a-f]{40}$/);
    const reusable = parse(readFileSync('examples/github/reusable.yml', 'utf8')) as Workflow;
    const { environment } = reusable.jobs.deploy!;
    expect(subject).toBe(
      `repo:acme/shop:environment:${environment as string}:job_workflow_ref:${uses!}`,
    );
    expect(equals['token.actions.githubusercontent.com:aud']).toBe('sts.amazonaws.com');
  });

  test('the subject is made of the claims that the customization names, in that order', () => {
    const { include_claim_keys } = JSON.parse(
      readFileSync('examples/cloud/github-subject.json', 'utf8'),
    ) as { readonly include_claim_keys: readonly string[] };
    expect(include_claim_keys).toEqual(['repo', 'context', 'job_workflow_ref']);
  });

  test('the example without the step has the environment and the permission, and still another file', () => {
    const { jobs } = parse(
      readFileSync('examples/github/without-the-step.yml', 'utf8'),
    ) as Workflow;
    expect(jobs.deploy!.environment).toBe('production');
    expect(jobs.deploy!.permissions).toHaveProperty('id-token', 'write');
    expect(jobs.deploy!.steps!.some(stepName)).toBe(false);
    expect(subject).not.toContain('without-the-step');
  });
});

describe('the examples of other systems', () => {
  const gitlab = readFileSync('examples/gitlab/.gitlab-ci.yml', 'utf8');
  const plain = readFileSync('examples/plain/deploy.sh', 'utf8');
  const buildkite = readFileSync('examples/buildkite/pipeline.yml', 'utf8');
  const jenkins = readFileSync('examples/jenkins/Jenkinsfile', 'utf8');

  test.each([
    ['gitlab', gitlab],
    ['plain', plain],
  ])('%s uses flags of run that exist, and says what is run', (_, text) => {
    const [, call = ''] = /deploy-warrant run([\s\S]*?) -- \.\/deploy\.sh/.exec(text) ?? [];
    const flags = [...call.matchAll(/--([a-z-]+)/g)].map(([, flag]) => flag!);
    expect(flags.length).toBeGreaterThan(4);
    expect(Object.keys(commands.run!.flags)).toEqual(expect.arrayContaining(flags));
    expect(flags).toEqual(
      expect.arrayContaining(['service', 'environment', 'migration', 'policy']),
    );
  });

  test('gitlab and buildkite are YAML, one deploy at a time', () => {
    const { deploy } = parse(gitlab) as { deploy: Readonly<Record<string, unknown>> };
    expect(deploy).toMatchObject({ environment: 'production', resource_group: 'production' });
    expect(deploy).not.toHaveProperty('allow_failure');
    const { steps } = parse(buildkite) as { steps: readonly Readonly<Record<string, unknown>>[] };
    expect(steps).toHaveLength(1);
    expect(steps[0]).toMatchObject({ concurrency: 1, agents: { queue: 'production' } });
    expect(steps[0]).not.toHaveProperty('soft_fail');
  });

  test('none lets a failed gate pass, or puts a key on a command line', () => {
    for (const text of [gitlab, plain, buildkite, jenkins]) {
      expect(text).not.toMatch(/\|\| true|set \+e|catchError|allow_failure|soft_fail|--api-key /);
    }
    expect(plain).toMatch(/^set -eu$/m);
    expect(plain.trim().split('\n').at(-1)).toBe('  -- ./deploy.sh api');
    expect(statSync('examples/plain/deploy.sh').mode & 0o111).not.toBe(0);
  });
});

test('examples/README.md names every file, and leads only to files that are there', () => {
  const readme = readFileSync('examples/README.md', 'utf8');
  const linked = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, target]) => target!);
  for (const target of linked) expect(existsSync(join('examples', target))).toBe(true);
  const files = readdirSync('examples', { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice('examples/'.length));
  expect(files.length).toBeGreaterThan(8);
  for (const file of files.filter((each) => dirname(each) !== '.')) expect(readme).toContain(file);
});
