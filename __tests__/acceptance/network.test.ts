import { symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Alter, SeenRequest } from '../../scripts/demo/proxy.ts';
import { selfSigned } from '../support/certificate.ts';
import { approvedRequest, ask, statusOf } from './flow.ts';
import type { StepResult } from './job.ts';
import {
  callsOf,
  expectApproved,
  expectRefusal,
  missing,
  startWorld,
  type World,
} from './world.ts';

// Each step is a process and each decision a page: seconds here, more where two cores do all at once.
jest.setTimeout(90_000);

const describeHere = missing === undefined ? describe : describe.skip;

describeHere('a network and a machine that can not be relied on', () => {
  let world: World;
  const servers: (Server | TlsServer)[] = [];
  /** The client tries for two minutes before it gives up: this runs while the others do. */
  let cutForGood: { readonly result: Promise<StepResult>; readonly id: string };

  beforeAll(async () => {
    world = await startWorld();
    const [job, asking] = [world.job(), await world.proxy()];
    const id = (await approvedRequest({ world, job, proxy: asking })).outputs['approval-id']!;
    const cutting = await world.proxy(({ path }, answer) =>
      path === '/api/redemptions' ? 'cut' : answer,
    );
    const access = { ...world.access(cutting, world.policy()), 'approval-id': id };
    cutForGood = { id, result: job.start('verify', access).result };
  });
  afterAll(async () => {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    await world.close();
  });

  async function listen(server: Server | TlsServer): Promise<number> {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }

  test('connections that are cut in the middle of an answer are made again, with the same keys', async () => {
    const cut = new Set<string>();
    const cutOnce: Alter = ({ method, path }, answer) => {
      const what = `${method} ${path.split('?')[0]!.split('/')[2]!}`;
      if (cut.has(what)) return answer;
      cut.add(what);
      return 'cut';
    };
    const [job, proxy] = [world.job(), await world.proxy(cutOnce, 'steady')];
    const request = await approvedRequest({ world, job, proxy });
    expectApproved(request);
    const verify = await job.start('verify', {
      ...world.access(proxy, world.policy()),
      'approval-id': request.outputs['approval-id']!,
    }).result;
    expectApproved(verify);

    expect([...cut].sort()).toEqual([
      'GET confirmations',
      'GET deploys',
      'POST confirmations',
      'POST redemptions',
    ]);
    const posts = (path: string): readonly SeenRequest[] =>
      proxy.requests.filter((one) => one.method === 'POST' && one.path === path);
    const [created, redeemed] = [posts('/api/confirmations'), posts('/api/redemptions')];
    expect(created).toHaveLength(2);
    expect(new Set(created.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
    expect(redeemed).toHaveLength(2);
    // The service had made the redemption when the connection was cut: the second is the same use, not another.
    expect(redeemed[0]!.body).toBe(redeemed[1]!.body);
  });

  test.each([301, 302, 303, 307, 308])(
    'a redirect (%i) is not followed, and the key goes nowhere',
    async (status) => {
      let stolen = 0;
      const thief = await listen(
        createServer((_request, response) => {
          stolen += 1;
          response.end('{}');
        }),
      );
      const seen: string[] = [];
      const redirecting = await listen(
        createServer((request, response) => {
          seen.push(request.method!);
          response
            .writeHead(status, { location: `http://127.0.0.1:${thief}${request.url!}` })
            .end();
        }),
      );
      const job = world.job();
      const access = {
        'api-url': `http://127.0.0.1:${redirecting}/api`,
        'api-key': world.apiKey,
        policy: world.policy(),
      };
      const request = await job.start('request', { ...access, approver: 'alex' }).result;
      expectRefusal(request, 'service_misbehaved', world);
      const id = '01234567-89ab-4cde-8f01-23456789abcd';
      const verify = await job.start('verify', { ...access, 'approval-id': id }).result;
      expectRefusal(verify, 'service_misbehaved', world);
      // The first call of each step; the matrix tests all the others (matrix/status-rows.ts).
      expect(seen).toEqual(['GET', 'GET']);
      expect(stolen).toBe(0);
    },
  );

  test('a key that the service does not know is refused as such, and not shown', async () => {
    const [job, proxy] = [world.job(), await world.proxy()];
    const key = 'not-the-right-key-0123456789abcdef';
    const access = { ...world.access(proxy, world.policy()), 'api-key': key };
    const request = await job.start('request', { ...access, approver: 'alex' }).result;
    expectRefusal(request, 'service_unauthorized', world);
    expect(request.stdout.replace(`::add-mask::${key}`, '') + request.stderr).not.toContain(key);
    expect(callsOf(proxy)).toEqual(['GET /api/deploys/latest']);
  });

  /** What is wrong before anything is asked: the service must not hear of it. */
  async function refusedUnheard(
    prepare: (o: { readonly workspace: string; readonly temp: string }) => {
      readonly inputs?: Record<string, string>;
      readonly env?: Record<string, string>;
    },
  ): Promise<void> {
    const [job, proxy] = [world.job(), await world.proxy()];
    const { inputs = {}, env = {} } = prepare(job);
    const access = { ...world.access(proxy, world.policy()), ...inputs };
    const id = { 'approval-id': '01234567-89ab-4cde-8f01-23456789abcd' };
    const verify = await job.start('verify', { ...id, ...access }, env).result;
    expectRefusal(verify, 'configuration', world);
    if (!('approval-id' in inputs)) {
      const request = await job.start('request', { ...access, approver: 'alex' }, env).result;
      expectRefusal(request, 'configuration', world);
    }
    expect(proxy.requests).toEqual([]);
  }

  test('a policy in the workspace counts for nothing, by its path or by a link to it', async () => {
    await refusedUnheard(({ workspace }) => {
      writeFileSync(join(workspace, 'policy.json'), world.policy());
      return { inputs: { policy: join(workspace, 'policy.json') } };
    });
    await refusedUnheard(({ workspace }) => {
      writeFileSync(join(workspace, 'policy.json'), world.policy());
      return { inputs: { policy: 'policy.json' } };
    });
    await refusedUnheard(({ workspace, temp }) => {
      writeFileSync(join(workspace, 'policy.json'), world.policy());
      symlinkSync(join(workspace, 'policy.json'), join(temp, 'policy.json'));
      return { inputs: { policy: join(temp, 'policy.json') } };
    });
  });

  test('a policy outside of the workspace is read from its path', async () => {
    const [job, proxy] = [world.job(), await world.proxy()];
    const path = join(job.temp, 'policy.json');
    writeFileSync(path, world.policy());
    const request = await approvedRequest({ world, job, proxy, policy: path });
    expectApproved(request);
    const access = { ...world.access(proxy, path), 'approval-id': request.outputs['approval-id']! };
    expectApproved(await job.start('verify', access).result);
  });

  test.each<[what: string, env: Record<string, string>]>([
    ['NODE_TLS_REJECT_UNAUTHORIZED=0', { NODE_TLS_REJECT_UNAUTHORIZED: '0' }],
    ['NODE_OPTIONS=--tls-min-v1.0', { NODE_OPTIONS: '--tls-min-v1.0' }],
  ])('TLS weakened by %s is refused before a byte of the key leaves', async (_what, env) => {
    await refusedUnheard(() => ({ env }));
  });

  test('an empty approval-id verifies nothing', async () => {
    await refusedUnheard(() => ({ inputs: { 'approval-id': '' } }));
  });

  test('an approval-id that is no id verifies nothing', async () => {
    await refusedUnheard(() => ({ inputs: { 'approval-id': '../redemptions' } }));
  });

  test('an api-url without TLS to another machine is refused', async () => {
    await refusedUnheard(() => ({ inputs: { 'api-url': 'http://approve.example.com/api' } }));
  });

  test('a certificate that nobody vouches for ends it at once', async () => {
    let heard = 0;
    const port = await listen(
      createTlsServer(selfSigned(), (_request, response) => {
        heard += 1;
        response.end('{}');
      }),
    );
    const result = await world.job().start('verify', {
      'api-url': `https://localhost:${port}/api`,
      'api-key': world.apiKey,
      policy: world.policy(),
      'approval-id': '01234567-89ab-4cde-8f01-23456789abcd',
    }).result;
    expectRefusal(result, 'service_unreachable', world);
    expect(heard).toBe(0);
  });

  test.each(['request', 'verify'] as const)(
    'a promise that never settles does not end %s with 0',
    async (step) => {
      const [job, proxy] = [world.job(), await world.proxy()];
      // Whoever looks a name up never hears of it again, and no timer keeps the process: the event loop runs dry.
      const preload = join(job.temp, 'never.mjs');
      writeFileSync(
        preload,
        `import dns from 'node:dns';
       import { syncBuiltinESMExports } from 'node:module';
       import timers from 'node:timers';
       dns.lookup = () => {};
       const start = globalThis.setTimeout;
       globalThis.setTimeout = timers.setTimeout = (...args) => start(...args).unref();
       syncBuiltinESMExports();`,
      );
      const access = {
        ...world.access(proxy, world.policy()),
        'api-url': 'https://localhost:1/api',
      };
      const inputs =
        step === 'verify' ? { 'approval-id': '01234567-89ab-4cde-8f01-23456789abcd' } : {};
      const running = job.start(
        step,
        { ...access, ...inputs },
        { NODE_OPTIONS: `--import=${preload}` },
      );
      const { exitCode, outputs, stdout } = await running.result;
      expect({ exitCode, outputs, said: /^::error/m.test(stdout) }).toEqual({
        exitCode: 1,
        outputs: {},
        said: false,
      });
    },
  );

  test('a killed step has no outcome that a later step could take for one', async () => {
    const [job, proxy] = [world.job(), await world.proxy()];
    const { step, linkFor } = ask({ world, job, proxy, inputs: { approver: 'alex' } });
    await linkFor(world.alex);
    step.kill('SIGKILL');
    const { exitCode, outputs } = await step.result;
    expect(exitCode).not.toBe(0);
    expect(outputs).toEqual({});
  });

  test('a redemption whose answer never comes is unknown, not approved', async () => {
    const result = await cutForGood.result;
    expectRefusal(result, 'service_unreachable', world);
    // It was made, so the person who reads the log must look, or ask anew.
    expect(await statusOf(world, cutForGood.id)).toBe('redeemed');
    expect(result.stdout).toMatch(/unknown/);
  }, 180_000);
});
