import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  call,
  createBody,
  createKey,
  currentPayload,
  enrol,
  redemptionBody,
  removeFolders,
  startTestService,
  type TestService,
} from '../support/service.ts';

interface Operation {
  readonly 'x-key': 'request' | 'admin' | 'none';
  readonly responses: Readonly<Record<string, { readonly 'x-codes'?: readonly string[] }>>;
}

const committed = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '../../openapi.json'), 'utf8'),
) as { readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> };

const operations = Object.entries(committed.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
);

let service: TestService;
let requestKey: string;

beforeAll(async () => {
  service = await startTestService();
  await enrol(service, 'alex');
  requestKey = await createKey(service);
});
afterAll(async () => {
  await service.close();
  await removeFolders();
});

test('GET /api/openapi.json is the committed document, needs no key and keeps the strict headers', async () => {
  const { status, body, headers } = await call(service, '/api/openapi.json');
  expect(status).toBe(200);
  expect(body).toEqual(committed);
  expect(headers.get('content-type')).toMatch(/^application\/json/);
  expect(headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('cache-control')).toBe('no-store');
});

test('the document names every route below /api, and no other', async () => {
  const sources = readFileSync(
    resolve(import.meta.dirname, '../../src/service/api-routes.ts'),
    'utf8',
  );
  const routes = [
    ...sources.matchAll(/app\.(get|post|delete|put|patch)(?:<\w+>)?\(\s*'\/api([^']*)'/g),
  ].map(([, method, path]) => `${method} ${path!.replace(/:(\w+)/g, '{$1}')}`);
  expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(routes.sort());
  // And each of them answers as a route does: an unknown path is 404 whatever the key.
  expect((await call(service, '/api/unknown', { key: requestKey })).status).toBe(404);
});

describe.each(operations)('$method $path', ({ method, path, operation }) => {
  const url = `/api${path.replace('{id}', '00000000-0000-0000-0000-000000000000')}`;
  const body = method === 'post' ? { body: {} } : {};
  const send = (key?: string) =>
    call(service, url, { method: method.toUpperCase(), ...body, ...(key ? { key } : {}) });

  test('takes the key that the document names, and no other', async () => {
    if (operation['x-key'] === 'none') {
      expect((await send()).status).toBe(200);
      return;
    }
    const [right, wrong] =
      operation['x-key'] === 'admin'
        ? [service.adminKey, requestKey]
        : [requestKey, service.adminKey];
    expect((await send()).status).toBe(401);
    expect((await send(wrong)).status).toBe(403);
    expect([401, 403]).not.toContain((await send(right)).status);
  });
});

describe('every error that a call answers is in the document', () => {
  const deploy = () => createBody('alex', currentPayload());
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) => ({
    name: `POST ${path}`,
    send: () => call(service, `/api${path}`, { method: 'POST', key: requestKey, body, headers }),
    operation: committed.paths[path]!.post!,
  });
  test.each([
    post('/confirmations', '{'),
    post('/confirmations', {}),
    post('/confirmations', 'x'.repeat(80_000)),
    post('/confirmations', deploy(), { 'content-type': 'text/plain' }),
    post('/confirmations', { ...deploy(), username: 'nobody' }),
    post('/confirmations', { ...deploy(), action: 'Feed the cat' }),
    post('/confirmations', { ...deploy(), payload: { schema: 'deploy-approval/v2' } }),
    post('/confirmations', createBody('alex', currentPayload({}, { now: Date.now() - 600_000 }))),
    post('/redemptions', redemptionBody('0'.repeat(64))),
    post('/redemptions', { payloadHash: 'x' }),
  ])('$name', async ({ send, operation }) => {
    const { status, body } = await send();
    const { code } = body as unknown as { code: string };
    expect(status).toBeGreaterThanOrEqual(400);
    expect(operation.responses[status]?.['x-codes']).toContain(code);
  });
});
