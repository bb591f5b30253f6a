import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { yamlBlocks } from '../../scripts/workflows/sources.ts';
import { missing, type Run } from './act.ts';
import { startStage, type Stage } from './stage.ts';

jest.setTimeout(120_000);

const describeHere = missing === undefined ? describe : describe.skip;

const requestStep = 'Main deploy-warrant/deploy-warrant@v1';
const verifyStep = 'Main deploy-warrant/deploy-warrant/verify@v1';

/** act's own words for the end of a step. */
const succeeded = (log: string, step: string): number => log.split(`Success - ${step}`).length - 1;
const failed = (log: string, step: string): number => log.split(`Failure - ${step}`).length - 1;

function expectRefused(run: Run, step: string, message: RegExp): void {
  const { exitCode, log, deployed } = run;
  const tail = log.split('\n').slice(-40).join('\n');
  expect({ failed: failed(log, step), log: failed(log, step) === 1 ? '' : tail }).toEqual({
    failed: 1,
    log: '',
  });
  expect(log).toMatch(message);
  expect(exitCode).not.toBe(0);
  expect(deployed).toEqual([]);
}

describeHere('the example workflows, run by act', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage();
  });
  afterAll(() => stage.close());

  test('one job: approved, verified, redeemed, deployed', async () => {
    const run = stage.start('one-job');
    const link = await run.link();
    await stage.decide(link, 'approved');
    const { exitCode, log, deployed } = await run.result;
    expect({ exitCode, log: exitCode === 0 ? '' : log }).toEqual({ exitCode: 0, log: '' });
    expect([succeeded(log, requestStep), succeeded(log, verifyStep)]).toEqual([1, 1]);
    expect(deployed).toEqual([`api ${run.shop.commit}`]);
    expect(await stage.statusOf(link)).toBe('redeemed');
    expect(log).not.toContain(stage.apiKey);
  });

  test('one job: rejected, and nothing is deployed', async () => {
    const run = stage.start('one-job');
    await stage.decide(await run.link(), 'rejected');
    expectRefused(await run.result, requestStep, /rejected/);
  });

  test('one job: the tree changes while the person looks at it', async () => {
    const run = stage.start('one-job', {
      edit: (text) =>
        text.replace(
          '      - id: verify\n',
          '      - run: echo "drop table orders;" >>db/migrations/002.sql\n      - id: verify\n',
        ),
    });
    const link = await run.link();
    await stage.decide(link, 'approved');
    const result = await run.result;
    expect(succeeded(result.log, requestStep)).toBe(1);
    expectRefused(result, verifyStep, /002\.sql/);
    expect(await stage.statusOf(link)).toBe('approved');
  });

  test('one job: cancelled while it waits; the step is killed, and the post step withdraws the request', async () => {
    const run = stage.start('one-job');
    const link = await run.link();
    run.kill('SIGINT');
    const { exitCode, log, deployed } = await run.result;
    expect(succeeded(log, 'Post deploy-warrant/deploy-warrant@v1')).toBe(1);
    expect(await stage.statusOf(link)).toBe('cancelled');
    expect(exitCode).not.toBe(0);
    expect(deployed).toEqual([]);
  });

  test('two jobs: approved in one, deployed in the other', async () => {
    const run = stage.start('two-jobs');
    const link = await run.link();
    await stage.decide(link, 'approved');
    const { exitCode, log, deployed } = await run.result;
    expect({ exitCode, log: exitCode === 0 ? '' : log }).toEqual({ exitCode: 0, log: '' });
    expect(deployed).toEqual([`api ${run.shop.commit}`]);
    expect(await stage.statusOf(link)).toBe('redeemed');
  });

  const inDeploy = (script: string): string => `if [ "$GITHUB_JOB" = deploy ]; then ${script}; fi`;
  const commit = 'git -c user.name=Mallory -c user.email=m@example.com commit --quiet';
  const lastOf = (text: string, from: string, to: string): string => {
    const at = text.lastIndexOf(from);
    return text.slice(0, at) + to + text.slice(at + from.length);
  };
  test.each([
    {
      what: 'the commit',
      tamper: { afterCheckout: inDeploy(`${commit} --allow-empty -m Tampered`) },
      says: /commit|HEAD/,
    },
    {
      what: 'a migration file',
      tamper: { afterCheckout: inDeploy('echo "drop table orders;" >>db/migrations/002.sql') },
      says: /002\.sql/,
    },
    {
      what: 'a file that git is told not to look at',
      tamper: {
        afterCheckout: inDeploy(
          'git update-index --assume-unchanged deploy.sh; echo "echo owned" >>deploy.sh',
        ),
      },
      says: /deploy\.sh/,
    },
    {
      what: 'the environment',
      tamper: {
        edit: (text: string) =>
          lastOf(text, '          environment: production', '          environment: staging'),
      },
      says: /environment/,
    },
    {
      what: 'the way back',
      tamper: { edit: (text: string) => lastOf(text, 'v1.41.2', 'v0.1.0') },
      says: /rollback/,
    },
    {
      what: 'the approval, for one that was never given',
      tamper: {
        edit: (text: string) =>
          lastOf(
            text,
            '${{ needs.ask.outputs.approval-id }}',
            '00000000-0000-4000-8000-000000000000',
          ),
      },
      says: /00000000-0000-4000-8000-000000000000|vanished|404/,
    },
  ])('two jobs: refused when between them somebody changes $what', async ({ tamper, says }) => {
    const run = stage.start('two-jobs', tamper);
    const link = await run.link();
    await stage.decide(link, 'approved');
    const result = await run.result;
    expect(succeeded(result.log, requestStep)).toBe(1);
    expectRefused(result, verifyStep, says);
    expect(await stage.statusOf(link)).toBe('approved');
  });

  test('a matrix: each region asks for itself, and one that is rejected is not deployed', async () => {
    const run = stage.start('regions');
    const links = [await run.link(0), await run.link(1)];
    await stage.decide(links[0]!, 'approved');
    await stage.decide(links[1]!, 'rejected');
    const { exitCode, log, deployed } = await run.result;
    expect(exitCode).not.toBe(0);
    expect([succeeded(log, requestStep), failed(log, requestStep)]).toEqual([1, 1]);
    expect(deployed).toHaveLength(1);
    expect(deployed[0]).toMatch(/^api [0-9a-f]{40} (?:eu-west-1|us-east-1)$/);
  });

  test.each(yamlBlocks('.').filter(({ document }) => document === 'README.md'))(
    'the workflow in line $line of the README: approved and deployed',
    async ({ text }) => {
      const run = stage.start('readme', { text });
      await stage.decide(await run.link(), 'approved');
      const { exitCode, log, deployed } = await run.result;
      expect({ exitCode, log: exitCode === 0 ? '' : log.slice(-4_000) }).toEqual({
        exitCode: 0,
        log: '',
      });
      expect(deployed).toHaveLength(1);
      expect(deployed[0]).toContain(run.shop.commit);
    },
  );
});
