import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  call,
  callPage,
  createKey,
  currentPayload,
  decide,
  enrol,
  redeem,
  redemptionBody,
  removeFolders,
  requestApproval,
  signIn,
  startTestService,
  type Person,
  type TestService,
} from '../support/service.ts';

let service: TestService;
let key: string;
let alex: Person;

beforeAll(async () => {
  service = await startTestService();
  key = await createKey(service);
  alex = await enrol(service, 'alex');
});
afterAll(async () => {
  await service.close();
  await removeFolders();
});

test('ask, approve, read, redeem', async () => {
  const created = await requestApproval(service, { key, username: 'alex' });
  expect(created.status).toBe(201);
  const { id, payloadHash } = created.body;
  const poll = call(service, `/api/confirmations/${id}?wait=25`, { key });
  expect((await decide(service, id, alex)).body).toEqual({ status: 'approved' });
  const { status, body } = await poll;
  expect(status).toBe(200);
  expect(body.status).toBe('approved');
  const r = redemptionBody(payloadHash);
  expect((await redeem(service, { key, body: r })).status).toBe(201);
  expect((await redeem(service, { key, body: r })).status).toBe(200);
  expect((await redeem(service, { key, body: redemptionBody(payloadHash) })).status).toBe(409);
  const cookie = await signIn(service, alex);
  expect((await callPage(service, '/page/waiting', { cookie })).body.items).toEqual([]);
});
