/**
 * Text that others control, in every place where it is shown, read back by the rules of who reads it: the runner's commands in
 * the log, the runner's file of outputs, Markdown and HTML in the summary, the characters that a terminal obeys.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { stepOutputs } from '../../src/gate/vocabulary.ts';
import { commandsIn, runBundle } from '../action/runner.ts';
import { startStubService, type Route, type StubService } from '../gate/stub-service.ts';
import { answer, json, type Act } from '../support/faulty-server.ts';
import { startJob, type Inputs, type StepResult } from './job.ts';
import { apiKey, setStage, type Stage } from './matrix/stage.ts';

jest.setTimeout(60_000);

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
}, 120_000);
afterAll(() => stage.close());

/** No field may hold this: it is refused, and still shown. */
const unacceptable = [
  'x\n::set-output name=status::approved\n',
  '\r::add-path::/evil\r##[add-path]/evil',
  '\n##[set-env name=PATH]/evil',
  '\nstatus<<EOF\napproved\nEOF\n',
  '\u001b[2J\u001b]8;;https://evil.example\u0007',
  '\u202Edevorppa\u2066\u200b\u{E0041}',
  '\n\n# Approved\n<script>alert(1)</script>',
].join('');
/** A free text may hold this. */
const acceptable =
  '::stop-commands::x ##[add-path]/evil %0A::error::x </code></td><img src=x onerror=alert(1)> [ok](javascript:alert(1)) ![x](https://evil.example/x.png) @acme/team #1 `x` **x** status=approved status<<EOF ${{ github.token }} $(id) \'"';

const ownCommands = new Set(['add-mask', 'error', 'warning']);
/** What a terminal or a reader's eye obeys: controls but for the line end, directions, zero widths, tags. */
const hidden =
  /[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u200B-\u200F\u2028-\u202E\u2060-\u2069\uFEFF]|\p{Cf}/u;

function expectHarmless({ stdout, stderr, outputs, files }: StepResult): void {
  const commands = commandsIn(stdout).map(({ name }) => name);
  expect(commands.filter((name) => !ownCommands.has(name))).toEqual([]);
  expect(commands.filter((name) => name === 'error').length).toBeLessThan(2);
  expect(commandsIn(stderr)).toEqual([]);
  for (const text of [stdout, stderr, ...Object.values(files)]) expect(text).not.toMatch(hidden);

  expect(Object.keys(stepOutputs.verify)).toEqual(expect.arrayContaining(Object.keys(outputs)));
  expect({ PATH: files.PATH, ENV: files.ENV }).toEqual({ PATH: '', ENV: '' });
  expectInertMarkdown(files.STEP_SUMMARY!);
}

/** The summary is a table of ours, and every value in it plain text: no tag, link, mention or emphasis is left to be read. */
function expectInertMarkdown(summary: string): void {
  const text = summary.replaceAll(/<\/?(?:h3|table|tr|td|code)>|<th align="left">|<\/th>/g, '');
  expect(text).toMatch(/^(?:[A-Za-z0-9 \n]|&#\d+;)*$/);
  // An empty line would end the block of HTML, and Markdown would begin anew (CommonMark 4.6).
  expect(summary.trim()).not.toMatch(/\n[ \t]*\n/);
}

async function inFrontOf<T>(work: (stub: StubService) => Promise<T>): Promise<T> {
  const stub = await startStubService(stage.world, () => Date.now(), { known: [stage.approved] });
  stub.reactions.set('alex', { status: 'approved' });
  try {
    return await work(stub);
  } finally {
    await stub.close();
  }
}

const run = (step: 'request' | 'verify', inputs: Inputs, env: Inputs = {}): Promise<StepResult> =>
  inFrontOf(
    (stub) =>
      stage.job.start(
        step,
        {
          ...stage.inputs,
          'api-url': stub.apiUrl,
          ...(step === 'verify' ? { 'approval-id': stage.approved.id } : { approver: 'alex' }),
          ...inputs,
        },
        env,
      ).result,
  );

const factFields = [
  'service',
  'environment',
  'region',
  'account',
  'tenant',
  'cluster',
  'commit',
  'digest',
  'actor-type',
  'migration',
  'migration-files',
  'migration-command',
  'rollback-version',
  'rollback-note',
  'working-directory',
];

describe('an input', () => {
  test.each([
    ...factFields,
    'approver',
    'policy',
    'api-url',
    'assurance',
    'reason',
    'wait-minutes',
    'valid-minutes',
  ])('%s of the request step', async (name) => {
    const inputs = name.startsWith('migration-') ? { migration: 'other' } : {};
    const result = await run('request', { ...inputs, [name]: unacceptable });
    expect(result.exitCode).not.toBe(0);
    expectHarmless(result);
  });

  test.each([...factFields, 'approval-id', 'record', 'policy', 'api-url', 'assurance'])(
    '%s of the verify step',
    async (name) => {
      const inputs = name.startsWith('migration-') ? { migration: 'other' } : {};
      const result = await run('verify', { ...inputs, [name]: unacceptable });
      expect(result.exitCode).not.toBe(0);
      expectHarmless(result);
    },
  );

  test('api-key with a line end is masked, and shown nowhere', async () => {
    const key = `${apiKey}\n::set-output name=status::approved`;
    const result = await run('request', { 'api-key': key });
    expect(result.exitCode).toBe(40);
    expectHarmless(result);
    const shown = commandsIn(result.stdout).filter(({ name }) => name !== 'add-mask');
    expect(JSON.stringify(shown)).not.toContain(apiKey);
  });

  test.each(['reason', 'rollback-note'])(
    '%s, a free text that is signed and shown',
    async (name) => {
      const result = await run('request', { [name]: acceptable });
      expect({
        exitCode: result.exitCode,
        log: result.exitCode === 0 ? '' : result.stdout,
      }).toEqual({
        ...{ exitCode: 0, log: '' },
      });
      expectHarmless(result);
      // What it is handed on as comes back as it was: a value of one output and no other.
      const record = JSON.parse(result.outputs.record!) as { payload: string };
      expect(record.payload).toContain(JSON.stringify(acceptable));
    },
  );

  test('rollback-note that differs is shown with both values', async () => {
    const result = await run('verify', { 'rollback-note': acceptable });
    expect(result.outputs.status).toBe('facts_mismatch');
    expect(result.stdout).toContain('rollback.note');
    expectHarmless(result);
  });
});

describe('a variable of the runner', () => {
  test.each([
    'GITHUB_REF',
    'GITHUB_ACTOR',
    'GITHUB_TRIGGERING_ACTOR',
    'GITHUB_REPOSITORY',
    'GITHUB_REPOSITORY_ID',
    'GITHUB_RUN_ID',
    'GITHUB_SERVER_URL',
    'GITHUB_WORKFLOW_REF',
    'GITHUB_EVENT_NAME',
    'GITHUB_SHA',
    'GITHUB_EVENT_PATH',
    'RUNNER_TEMP',
    'https_proxy',
  ])('%s', async (name) => {
    // No variable of a process holds a NUL, and these hold no line end on a runner either; a lie may.
    const result = await run('verify', {}, { [name]: unacceptable });
    // The event only tells who is no person; loopback needs no proxy.
    const needless = ['https_proxy', 'GITHUB_EVENT_PATH'].includes(name);
    expect(needless || result.exitCode !== 0).toBe(true);
    expectHarmless(result);
  });
});

describe('a repository', () => {
  test('whose file names are hostile', async () => {
    const evil = '::set-output name=status::approved\n##[add-path]\u202e\u001b[2J.sql';
    const job = startJob({ bundles: stage.bundles });
    job.write(`db/${evil}`, 'select 1;\n');
    job.git('add', '--all');
    job.git('commit', '--quiet', '-m', unacceptable.replaceAll('\u0000', ''));
    const commit = job.git('rev-parse', 'HEAD');
    await inFrontOf(async (stub) => {
      const inputs = {
        ...{ ...stage.inputs, 'api-url': stub.apiUrl, approver: 'alex' },
        ...{ migration: 'other', 'migration-dialect': '', 'migration-files': 'db/*.sql' },
      };
      const result = await job.start('request', inputs, { GITHUB_SHA: commit }).result;
      expect(result.exitCode).not.toBe(0);
      expectHarmless(result);
    });
  });

  test('whose tree was changed under a hostile name', async () => {
    const job = startJob({ bundles: stage.bundles });
    job.write('\u202e\n::set-output name=status::approved', 'x');
    await inFrontOf(async (stub) => {
      const inputs = { ...stage.inputs, 'api-url': stub.apiUrl, approver: 'alex' };
      const none = { migration: 'none', 'migration-dialect': '' };
      const empty = { 'migration-files': '', 'migration-command': '' };
      const result = await job.start('request', { ...inputs, ...none, ...empty }).result;
      expectHarmless(result);
    });
  });

  test('whose commits have hostile subjects and authors', async () => {
    const job = startJob({
      bundles: stage.bundles,
      facts: {
        ...{ migration: 'none', 'migration-files': '', 'migration-command': '' },
        'migration-dialect': '',
      },
    });
    job.git(
      ...['-c', `user.name=\u202e::error::x ##[add-path]/evil <b>`, '-c', 'user.email=e@x'],
      ...['commit', '--quiet', '--allow-empty', '-m', `${acceptable} \u202e \u001b[2J`],
    );
    const commit = job.git('rev-parse', 'HEAD');
    await inFrontOf(async (stub) => {
      const inputs = { ...stage.inputs, 'api-url': stub.apiUrl, approver: 'alex' };
      const result = await job.start('request', inputs, { GITHUB_SHA: commit }).result;
      expect({
        exitCode: result.exitCode,
        log: result.exitCode === 0 ? '' : result.stdout,
      }).toEqual({ exitCode: 0, log: '' });
      expectHarmless(result);
    });
  });
});

describe('the service', () => {
  const says = (status: number, body: object, headers: Record<string, string> = {}): Act =>
    json(status, body, headers);
  const error = { code: unacceptable, message: unacceptable };
  const problems = [{ field: unacceptable, message: unacceptable }];

  test.each<[what: string, route: Route, act: (right: Record<string, unknown>) => Act]>([
    ['an error of the last deploy', 'latest', () => says(403, error)],
    ['an error of create', 'create', () => says(403, error)],
    ['problems of create', 'create', () => says(422, { ...error, problems })],
    [
      'a page of create',
      'create',
      () => answer(401, unacceptable, { 'content-type': 'text/html' }),
    ],
    [
      'the link',
      'create',
      (right) => says(201, { ...right, url: `https://x.example/${unacceptable}` }),
    ],
    ['the id', 'create', (right) => says(201, { ...right, id: unacceptable })],
    ['the nonce', 'create', (right) => says(201, { ...right, nonce: unacceptable })],
    ['an error of the wait', 'poll', () => says(410, error)],
    ['the status', 'poll', (right) => says(200, { ...right, status: unacceptable })],
    ['the user name', 'poll', (right) => says(200, { ...right, username: unacceptable })],
    [
      'the content type',
      'poll',
      (right) => says(200, right, { 'content-type': '::error::x ##[x]' }),
    ],
    [
      'the user name of the decision',
      'fetch',
      (right) => says(200, { ...right, username: unacceptable }),
    ],
    [
      'the time of the decision',
      'fetch',
      (right) => says(200, { ...right, decidedAt: unacceptable }),
    ],
    [
      'the signature',
      'fetch',
      (right) => says(200, { ...right, rawAssertion: { id: unacceptable } }),
    ],
    [
      'a payload of its own',
      'fetch',
      (right) => says(200, { ...right, payload: { x: unacceptable } }),
    ],
    ['the names of members', 'fetch', (right) => says(200, { ...right, [unacceptable]: 1 })],
    [
      'the time of the redemption',
      'redeem',
      (right) => says(201, { ...right, redeemedAt: unacceptable }),
    ],
    ['an error of the redemption', 'redeem', () => says(409, error)],
  ])('by %s', async (_what, route, act) => {
    await inFrontOf(async (stub) => {
      stub.faults.set(route, (exchange, right) => {
        const response = {
          writeHead: () => response,
          end: (text: string) => act(JSON.parse(text) as Record<string, unknown>)(exchange),
        };
        right({ ...exchange, response: response as never });
      });
      const step = route === 'redeem' ? 'verify' : 'request';
      const id = step === 'verify' ? { 'approval-id': stage.approved.id } : { approver: 'alex' };
      const result = await stage.job.start(step, {
        ...{ ...stage.inputs, 'api-url': stub.apiUrl, ...id },
        ...(step === 'request' ? { 'wait-minutes': '1', 'valid-minutes': '15' } : {}),
      }).result;
      expectHarmless(result);
      const record = result.outputs['record-path'] ?? '';
      if (record !== '') {
        // An unknown member goes no further.
        for (const name of ['record.json', 'verdict.json']) {
          expect(readFileSync(join(record, name), 'utf8')).not.toMatch(/set-output|evil/);
        }
      }
    });
  });

  test.each(['verify', 'request'])('on the terminal of the command line: %s', async (command) => {
    await inFrontOf(async (stub) => {
      const route = command === 'verify' ? 'fetch' : 'create';
      stub.faults.set(route, says(403, { ...error, problems }));
      const { stdout, stderr, exitCode } = await runBundle(join(stage.bundles, 'cli.js'), {
        cwd: stage.job.workspace,
        env: {
          DEPLOY_WARRANT_API_KEY: apiKey,
          DEPLOY_WARRANT_RUN_ID: stage.job.runId,
          HOME: stage.job.temp,
        },
        args: [
          ...[command, '--service=api', '--environment=production', '--migration=none'],
          ...['--rollback-version=v1.41.2', `--policy=${stage.inputs.policy!}`],
          `--api-url=${stub.apiUrl}`,
          command === 'verify' ? `--approval-id=${stage.approved.id}` : '--approver=alex',
        ],
      });
      expect({ exitCode, log: exitCode === 31 ? '' : stdout + stderr }).toEqual({
        exitCode: 31,
        log: '',
      });
      expect(stderr).toContain('set-output');
      for (const text of [stdout, stderr]) expect(text).not.toMatch(hidden);
    });
  });
});
