import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { readTables, renderTables } from '../../scripts/readme-tables.ts';
import { exitCodes } from '../../src/core/verdict.ts';

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Record<string, unknown>;
  readonly if?: string;
  readonly 'continue-on-error'?: unknown;
}
interface Workflow {
  readonly on: unknown;
  readonly permissions: unknown;
  readonly jobs: Record<
    string,
    { environment: unknown; permissions: object; 'timeout-minutes': number; steps: Step[] }
  >;
}
interface ActionFile {
  readonly inputs: Record<string, { required?: boolean }>;
  readonly outputs: Record<string, unknown>;
}

const readme = readFileSync('README.md', 'utf8');
const blocks = [...readme.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) => text!);
const workflows = blocks.map((text) => parse(text) as Workflow);
const actions = {
  request: parse(readFileSync('action.yml', 'utf8')) as ActionFile,
  verify: parse(readFileSync('verify/action.yml', 'utf8')) as ActionFile,
};
const actionOf = ({ uses = '' }: Step) =>
  uses.startsWith('deploy-warrant/deploy-warrant/verify@')
    ? actions.verify
    : uses.startsWith('deploy-warrant/deploy-warrant@')
      ? actions.request
      : undefined;

test('the tables of the README are those of the action files (npm run readme)', () => {
  expect(readTables()).toBe(renderTables());
});

describe('each workflow of the README', () => {
  test('there is a one-job and a two-job form', () => {
    expect(workflows.map(({ jobs }) => Object.keys(jobs))).toEqual([['deploy'], ['ask', 'deploy']]);
  });

  test.each(workflows)('starts without permissions, and every job names its own', (workflow) => {
    expect(workflow.permissions).toEqual({});
    for (const job of Object.values(workflow.jobs)) {
      expect(Object.keys(job.permissions)).toContain('contents');
      expect(job['timeout-minutes']).toBeGreaterThan(0);
      expect(job.environment).toBeDefined();
    }
  });

  test.each(blocks)('says beside each permission what it is for', (text) => {
    for (const line of text.match(/^ {6}\S+: (read|write).*$/gm) ?? []) expect(line).toMatch(/ # /);
  });

  test.each(workflows)(
    'passes only inputs that exist, and reads only outputs that exist',
    (workflow) => {
      for (const job of Object.values(workflow.jobs)) {
        for (const step of job.steps) {
          const action = actionOf(step);
          if (action) {
            for (const name of Object.keys(step.with ?? {}))
              expect(Object.keys(action.inputs)).toContain(name);
          }
        }
      }
      const text = JSON.stringify(workflow);
      for (const [, step, output] of text.matchAll(
        /steps\.(request|verify)\.outputs\.([a-z-]+)/g,
      )) {
        expect(Object.keys(actions[step as 'request' | 'verify'].outputs)).toContain(output);
      }
    },
  );

  test.each(workflows)('declares the same facts in both steps', (workflow) => {
    const steps = Object.values(workflow.jobs).flatMap((job) => job.steps.filter(actionOf));
    const [request, verify] = steps.map((step) => {
      const shared = Object.entries(step.with ?? {}).filter(
        ([name]) => name in actions.request.inputs && name in actions.verify.inputs,
      );
      return Object.fromEntries(shared);
    });
    expect(steps).toHaveLength(2);
    expect(request).toEqual(verify);
  });

  test.each(workflows)(
    'has verify right before the deploy, and nothing that skips it',
    (workflow) => {
      const steps = Object.values(workflow.jobs).at(-1)!.steps;
      expect(actionOf(steps.at(-2)!)).toBe(actions.verify);
      expect(steps.at(-1)!.run).toBeDefined();
      for (const step of Object.values(workflow.jobs).flatMap((job) => job.steps)) {
        expect(step.if).toBeUndefined();
        expect(step['continue-on-error']).toBeUndefined();
        expect(step.run ?? '').not.toContain('${{');
      }
    },
  );

  test.each(workflows)('pins the actions of others by commit', (workflow) => {
    for (const step of Object.values(workflow.jobs).flatMap((job) => job.steps)) {
      if (step.uses && !actionOf(step)) expect(step.uses).toMatch(/@[0-9a-f]{40}$/);
    }
  });
});

test('verify/README.md passes the inputs that the README passes to verify', () => {
  const [, block = ''] =
    /```yaml\n([\s\S]*?)```/.exec(readFileSync('verify/README.md', 'utf8')) ?? [];
  const [step, deploy] = parse(block) as Step[];
  const ofReadme = workflows[1]!.jobs.deploy!.steps.find((each) => each.uses === step!.uses);
  expect(Object.keys(step!.with!)).toEqual(Object.keys(ofReadme!.with!));
  expect(deploy!.run).not.toContain('${{');
});

test('the table of exit codes is the closed set of the code', () => {
  const rows = [...readme.matchAll(/^\| (\d+) \| (.*?) \|/gm)];
  const documented = rows.flatMap(([, exit, codes]) =>
    [...codes!.matchAll(/`([a-z_]+)`/g)].map(([, code]) => [code!, Number(exit)]),
  );
  expect(Object.fromEntries(documented)).toEqual(exitCodes);
});

test('every npm command of the README is a script of the package, and every link leads to a file', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: object };
  const commands = [...readme.matchAll(/npm (?:run )?([a-z-]+)/g)].map(([, name]) => name!);
  const own = commands.filter((name) => name !== 'ci' && name !== 'run');
  expect(own.length).toBeGreaterThan(2);
  for (const name of own.filter((name) => name !== 'migrate')) {
    expect(Object.keys(scripts)).toContain(name);
  }
  for (const [, target] of readme.matchAll(/\]\(([^)#:]+)\)/g))
    expect(existsSync(target!)).toBe(true);
});
