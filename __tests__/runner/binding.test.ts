import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { verifyToken } from '../../src/core/token.ts';
import type { Issuer } from '../support/issuer.ts';
import { makeStandIn, missing } from './act.ts';
import { startStage, type Stage } from './stage.ts';

jest.setTimeout(120_000);

const describeHere = missing === undefined ? describe : describe.skip;

const credentials =
  'aws-actions/configure-aws-credentials@8df5847569e6427dd6c4fb1cf565c83acfa8afa7';
const commit = 'd0941e68da8f38151ff86a61fc59f7c5cf9fcaa2';
const guarded = `acme/deploys/.github/workflows/reusable.yml@${commit}`;

/** Asks the forge for a token and the cloud for credentials, and fails where the cloud says no. */
const assumeRole = `node --input-type=module -e '
const { ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: token, CLOUD } = process.env;
const headers = { authorization: "Bearer " + token };
const { value } = await (await fetch(url + "&audience=sts.amazonaws.com", { headers })).json();
const { status } = await fetch(CLOUD, { method: "POST", body: value });
console.log("the cloud answered " + status);
process.exitCode = status === 200 ? 0 : 1;
'`;

/** The cloud: checks the token's signature, then every condition of the trust policy of the examples. */
async function startCloud(issuer: Issuer): Promise<{ server: Server; url: string }> {
  const trust = JSON.parse(readFileSync('examples/cloud/aws-trust-policy.json', 'utf8')) as {
    readonly Statement: readonly [
      { readonly Condition: { readonly StringEquals: Readonly<Record<string, string>> } },
    ];
  };
  const conditions = Object.entries(trust.Statement[0].Condition.StringEquals);
  const decide = async (token: string): Promise<boolean> => {
    const checked = await verifyToken({
      token,
      issuer: issuer.issuer,
      audience: 'sts.amazonaws.com',
      keys: { keys: [issuer.key.jwk] },
      now: Date.now(),
    });
    if (!checked.ok) return false;
    const claims = checked.value as Readonly<Record<string, unknown>>;
    return conditions.every(([key, value]) => claims[key.split(':').at(-1)!] === value);
  };
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.once('end', () => {
      void decide(body).then((trusted) => response.writeHead(trusted ? 200 : 403).end());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

describeHere('a cloud role that trusts one workflow file', () => {
  let stage: Stage;
  let cloud: Awaited<ReturnType<typeof startCloud>>;
  let actions: Readonly<Record<string, string>>;
  beforeAll(async () => {
    stage = await startStage();
    cloud = await startCloud(stage.issuer);
    const reusable = join(stage.folder, 'deploys');
    mkdirSync(join(reusable, '.github/workflows'), { recursive: true });
    writeFileSync(
      join(reusable, '.github/workflows/reusable.yml'),
      readFileSync('examples/github/reusable.yml'),
    );
    actions = {
      [credentials]: makeStandIn(join(stage.folder, 'credentials'), assumeRole),
      [`acme/deploys@${commit}`]: reusable,
    };
  });
  afterAll(async () => {
    cloud.server.close();
    await stage.close();
  });

  /** Starts an example whose job comes from the file named, with the subject of examples/cloud/github-subject.json. */
  const start = (example: string, file: string) =>
    stage.start(example, {
      actions,
      env: { CLOUD: cloud.url },
      claims: {
        sub: `repo:acme/shop:environment:production:job_workflow_ref:${file}`,
        job_workflow_ref: file,
      },
    });

  test('a workflow without the step gets no credentials, and deploys nothing', async () => {
    const file = 'acme/shop/.github/workflows/without-the-step.yml@refs/heads/main';
    const run = start('without-the-step', file);
    const { exitCode, log, deployed } = await run.result;
    expect(log).toContain('the cloud answered 403');
    expect(log).toContain(`Failure - Main ${credentials}`);
    expect(exitCode).not.toBe(0);
    expect(deployed).toEqual([]);
  });

  test('the same workflow would get them under the name of the guarded one: so it is the name that binds', async () => {
    const run = start('without-the-step', guarded);
    const { log, deployed } = await run.result;
    expect(log).toContain('the cloud answered 200');
    expect(deployed).toHaveLength(1);
  });

  test('the guarded workflow gets them after the approval', async () => {
    const run = start('caller', guarded);
    await stage.decide(await run.link(), 'approved');
    const { exitCode, log, deployed } = await run.result;
    expect({ exitCode, log: exitCode === 0 ? '' : log.slice(-4_000) }).toEqual({
      exitCode: 0,
      log: '',
    });
    expect(deployed).toEqual([`api ${run.shop.commit}`]);
  });
});
