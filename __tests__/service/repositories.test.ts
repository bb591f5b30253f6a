/** The administrator's list of repositories whose jobs may ask by a token. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { repositoriesSchema } from '../../src/service/repositories.ts';
import { call, createKey, removeFolders, startTestService } from '../support/service.ts';
import type { TestService } from '../support/service.ts';

let service: TestService;
const [selfHosted, other] = ['https://gitlab.example.com', 'https://gitlab.example.org'];

beforeAll(async () => {
  service = await startTestService({
    oidcIssuers: [
      { provider: 'github', issuer: 'https://token.actions.githubusercontent.com' },
      { provider: 'gitlab', issuer: selfHosted },
      { provider: 'gitlab', issuer: other },
    ],
  });
});
afterAll(async () => {
  await service.close();
  await removeFolders();
});

const shop = {
  ...{ provider: 'github', repositoryId: '123456789', note: 'shop' },
  ...{ services: ['api', 'web'], environments: ['production'] },
};
const add = (body: object, key = service.adminKey) =>
  call(service, '/api/repositories', { key, body });
const list = async () =>
  (await call(service, '/api/repositories', { key: service.adminKey })).body.repositories;
const remove = (id: string) =>
  call(service, `/api/repositories/${id}`, { key: service.adminKey, method: 'DELETE' });

test('is empty, then holds what was added, in order, until it is removed', async () => {
  expect(await list()).toEqual([]);
  const first = (await add(shop)).body.id;
  const second = (await add({ ...shop, provider: 'gitlab', issuer: selfHosted })).body.id;
  const repositories = await list();
  expect(repositories).toEqual([
    {
      ...{ id: first, ...shop, issuer: 'https://token.actions.githubusercontent.com' },
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    },
    expect.objectContaining({ id: second, provider: 'gitlab', issuer: selfHosted }),
  ]);
  expect(repositoriesSchema.parse({ repositories })).toEqual({ repositories });
  for (const id of [first, second]) {
    expect((await remove(id)).status).toBe(204);
    expect((await remove(id)).status).toBe(404);
  }
  expect(await list()).toEqual([]);
});

test('holds a repository once for each issuer', async () => {
  const { id } = (await add(shop)).body;
  const again = await add({ ...shop, services: ['*'] });
  expect([again.status, again.body.code]).toEqual([409, 'already_listed']);
  expect(await list()).toEqual([expect.objectContaining({ services: ['api', 'web'] })]);
  await remove(id);
});

describe('takes no repository', () => {
  test.each([
    ['of an issuer that is not trusted', { issuer: 'https://evil.example' }, 'unknown_issuer'],
    ['of the issuer of another provider', { issuer: selfHosted }, 'unknown_issuer'],
    ['without saying which of two issuers', { provider: 'gitlab' }, 'unknown_issuer'],
    ['of another provider', { provider: 'gitea' }, 'invalid_request'],
    ['by its name', { repositoryId: 'acme/shop' }, 'invalid_request'],
    ['by a pattern', { repositoryId: '*' }, 'invalid_request'],
    ['by a number with a zero before it', { repositoryId: '0123' }, 'invalid_request'],
    ['by a number that is none', { repositoryId: 123 }, 'invalid_request'],
    ['for no service', { services: [] }, 'invalid_request'],
    ['for an empty environment', { environments: [''] }, 'invalid_request'],
    ['with an unknown member', { repositories: ['*'] }, 'invalid_request'],
    ['without a note', { note: undefined }, 'invalid_request'],
  ])('%s', async (_name, change, code) => {
    const answer = await add({ ...shop, ...change });
    expect([answer.status, answer.body.code]).toEqual([422, code]);
    expect(await list()).toEqual([]);
  });

  test('of a provider of which no issuer is trusted', async () => {
    const gitlabOnly = await startTestService({
      oidcIssuers: [{ provider: 'gitlab', issuer: selfHosted }],
    });
    const { status, body } = await call(gitlabOnly, '/api/repositories', {
      key: gitlabOnly.adminKey,
      body: shop,
    });
    const message =
      'names none or more than one of the issuers of github that this service trusts (--oidc-issuer): none';
    expect([status, body]).toEqual([
      422,
      {
        code: 'unknown_issuer',
        message: `issuer ${message}.`,
        problems: [{ field: 'issuer', message }],
      },
    ]);
    await gitlabOnly.close();
  });

  test('from a request key, or without one', async () => {
    const key = await createKey(service);
    expect((await add(shop, key)).status).toBe(403);
    expect((await call(service, '/api/repositories', { key })).status).toBe(403);
    expect((await call(service, '/api/repositories', { body: shop })).status).toBe(401);
    expect((await call(service, '/api/repositories')).status).toBe(401);
    expect(await list()).toEqual([]);
  });
});
