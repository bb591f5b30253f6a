import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parse } from 'yaml';
import { makeShop } from '../runner/act.ts';
import { startStage, type Stage } from '../runner/stage.ts';

jest.setTimeout(60_000);

/** The example of the command line as a machine has it: the built program in PATH, the policy outside the checkout. */
describe('examples/plain/deploy.sh', () => {
  let stage: Stage;
  let shops = 0;
  beforeAll(async () => {
    stage = await startStage();
    mkdirSync(join(stage.folder, 'bin'));
    symlinkSync(join(stage.bundles, 'cli.js'), join(stage.folder, 'bin/deploy-warrant'));
    writeFileSync(join(stage.folder, 'policy.json'), stage.policy);
  });
  afterAll(() => stage.close());

  const start = (script: string, env: Readonly<Record<string, string>> = {}) => {
    shops += 1;
    const folder = join(stage.folder, `plain-${shops}`);
    const shop = makeShop(folder, { name: 'unused.yml', text: 'on: push\n' });
    const deployed = `${folder}.deployed`;
    const child = spawn('/bin/sh', ['-c', script], {
      cwd: folder,
      env: {
        PATH: [join(stage.folder, 'bin'), dirname(process.execPath), process.env.PATH].join(':'),
        HOME: stage.folder,
        DEPLOY_WARRANT_API_URL: stage.apiUrl,
        DEPLOY_WARRANT_API_KEY: stage.apiKey,
        DEPLOY_WARRANT_POLICY: join(stage.folder, 'policy.json'),
        DEPLOYED: deployed,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let log = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => (log += chunk));
    }
    const result = new Promise<{ exitCode: number | null; log: string; deployed: string }>(
      (settle) =>
        child.once('close', (exitCode) => {
          settle({
            exitCode,
            log,
            deployed: existsSync(deployed) ? readFileSync(deployed, 'utf8') : '',
          });
        }),
    );
    const link = async (): Promise<string> => {
      for (let tries = 0; tries < 300; tries += 1) {
        const found = /http:\/\/localhost:\d+\/approve\/[0-9a-f-]{36}/.exec(log)?.[0];
        if (found !== undefined) return found;
        if (child.exitCode !== null) break;
        await new Promise((again) => setTimeout(again, 100));
      }
      throw new Error(`It did not ask:\n${log}`);
    };
    return { result, link, shop };
  };
  const script = resolve('examples/plain/deploy.sh');

  test('deploys after the approval', async () => {
    const run = start(script);
    await stage.decide(await run.link(), 'approved');
    expect(await run.result).toMatchObject({ exitCode: 0, deployed: 'api\n' });
  });

  test('does not deploy after a rejection, and ends with its exit code', async () => {
    const run = start(script);
    await stage.decide(await run.link(), 'rejected');
    expect(await run.result).toMatchObject({ exitCode: 10, deployed: '' });
  });

  test('takes run and branch from Buildkite and Jenkins, where a commit is checked out', async () => {
    for (const env of [
      { CI: 'true', BUILDKITE_BUILD_NUMBER: '17', BUILDKITE_BRANCH: 'main' },
      { BUILD_NUMBER: '18', BRANCH_NAME: 'main' },
    ]) {
      const run = start(`git checkout --quiet --detach && ${script}`, env);
      await stage.decide(await run.link(), 'approved');
      expect(await run.result).toMatchObject({ exitCode: 0, deployed: 'api\n' });
    }
  });

  test('does not start where the policy is one that the checkout holds', async () => {
    const copied = 'cp "$DEPLOY_WARRANT_POLICY" policy.json && DEPLOY_WARRANT_POLICY=policy.json';
    const run = start(`${copied} ${script}`);
    expect(await run.result).toMatchObject({ exitCode: 40, deployed: '' });
  });

  test('the script of the GitLab example is the same call, and deploys', async () => {
    const { deploy } = parse(readFileSync('examples/gitlab/.gitlab-ci.yml', 'utf8')) as {
      readonly deploy: { readonly script: readonly [string] };
    };
    const run = start(deploy.script[0], { DEPLOY_WARRANT_RUN_ID: '19' });
    await stage.decide(await run.link(), 'approved');
    expect(await run.result).toMatchObject({ exitCode: 0, deployed: 'api\n' });
    expect(execFileSync('git', ['status', '--short'], { cwd: run.shop.folder })).toHaveLength(0);
  });
});
