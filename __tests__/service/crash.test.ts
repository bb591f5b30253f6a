import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  call,
  callPage,
  createBody,
  createKey,
  currentPayload,
  decisionBody,
  enrol,
  redeem,
  redemptionBody,
  removeFolders,
  spawnTestService,
  stubPage,
  temporaryFolder,
  type Answer,
  type Person,
  type ServiceProcess,
} from '../support/service.ts';

const rounds = 50;
/** Each person is asked at most 60 times a minute, and each key asks at most 300 times: here each person has their own. */
const peopleCount = 16;

let dataDir: string;
let pageDir: string;
let service: ServiceProcess;
const keys = new Map<Person, string>();
const people: Person[] = [];

beforeAll(async () => {
  dataDir = join(await temporaryFolder(), 'data');
  pageDir = await stubPage();
  service = await spawnTestService({ dataDir, pageDir });
  for (let n = 0; n < peopleCount; n += 1) {
    const person = await enrol(service, `person${n}`);
    people.push(person);
    keys.set(person, await createKey(service));
  }
}, 60_000);
afterAll(async () => {
  await service.kill('SIGKILL');
  await removeFolders();
});

/** One approval on its way from create to redemption: what was sent, and what was acknowledged. */
interface Story {
  readonly person: Person;
  readonly body: object;
  readonly idempotencyKey: string;
  created?: { readonly id: string; readonly payloadHash: string; readonly nonce: string };
  decisionSent?: 'approved' | 'rejected';
  decided?: boolean;
  redemption?: object;
  redeemedAt?: string;
}
type Step = 'create' | 'decide' | 'redeem';

const stories: Story[] = [];
const inFlight: Record<Step, number> = { create: 0, decide: 0, redeem: 0 };
const cutOff: Record<Step, number> = { create: 0, decide: 0, redeem: 0 };
const acknowledged: Record<Step, number> = { create: 0, decide: 0, redeem: 0 };

/** Sends; nothing comes back when the service dies meanwhile. Any answer but the good ones fails the test. */
async function attempt(step: Step, good: readonly number[], send: () => Promise<Answer>) {
  inFlight[step] += 1;
  try {
    const answer = await send();
    if (!good.includes(answer.status)) {
      throw new Error(`${step} gave ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    acknowledged[step] += 1;
    return answer.body;
  } catch (error) {
    // By name: fetch comes from outside of jest's realm, where TypeError is another class.
    if ((error as Error).name === 'TypeError') return undefined;
    throw error;
  } finally {
    inFlight[step] -= 1;
  }
}

function newStory(): Story {
  const person = people[stories.length % peopleCount]!;
  // A target of its own, so that no story supersedes another.
  const payload = currentPayload({ service: `s${stories.length}` });
  const body = createBody(person.username, payload);
  const story: Story = { person, body, idempotencyKey: `story-${stories.length}` };
  stories.push(story);
  return story;
}

function keyOf({ person }: Story): string {
  return keys.get(person) ?? '';
}

async function create(story: Story): Promise<void> {
  const headers = { 'idempotency-key': story.idempotencyKey };
  const { body } = story;
  const key = keyOf(story);
  const created = await attempt('create', [201], () =>
    call(service, '/api/confirmations', { key, body, headers }),
  );
  if (created !== undefined) story.created = created;
}

async function decideStory(story: Story): Promise<void> {
  const { id } = story.created!;
  story.decisionSent = stories.length % 5 === 0 ? 'rejected' : 'approved';
  const decision = story.decisionSent;
  const decided = await attempt('decide', [200], async () => {
    const body = await decisionBody(service, id, story.person, decision);
    return callPage(service, `/page/confirmations/${id}/decision`, { body });
  });
  story.decided = decided !== undefined;
}

async function redeemStory(story: Story): Promise<void> {
  story.redemption = redemptionBody(story.created!.payloadHash);
  const body = story.redemption;
  const redeemed = await attempt('redeem', [201], () =>
    redeem(service, { key: keyOf(story), body }),
  );
  if (redeemed !== undefined) story.redeemedAt = redeemed.redeemedAt;
}

/** One client: story after story until the service dies. */
async function work(): Promise<void> {
  for (;;) {
    const story = newStory();
    await create(story);
    if (story.created === undefined) return;
    await decideStory(story);
    if (story.decided !== true) return;
    if (story.decisionSent === 'rejected') continue;
    await redeemStory(story);
    if (story.redeemedAt === undefined) return;
  }
}

/** What was acknowledged is there; what was cut off is there or not, as a whole, and can be sent again. */
async function check(story: Story): Promise<void> {
  if (story.created === undefined) {
    await create(story);
    expect(story.created).toBeDefined();
    return;
  }
  const { id, payloadHash, nonce } = story.created;
  const key = keyOf(story);
  const { status, body } = await call(service, `/api/confirmations/${id}`, { key });
  expect([status, body]).toMatchObject([200, { id, payloadHash, nonce }]);
  const headers = { 'idempotency-key': story.idempotencyKey };
  const again = await call(service, '/api/confirmations', { key, body: story.body, headers });
  expect(again.body).toEqual(story.created);

  if (story.decided === true) expect(body.status).not.toBe('pending');
  if (story.decisionSent === undefined) expect(body.status).toBe('pending');
  if (body.status === 'pending') return;
  expect(body.rawAssertion).toBeDefined();
  if (story.redemption === undefined) expect(body.status).toBe(story.decisionSent);
  else await checkRedemption(story, body.status);
}

async function checkRedemption(story: Story, status: string): Promise<void> {
  const isRedeemed = status === 'redeemed';
  const key = keyOf(story);
  if (story.redeemedAt !== undefined) expect(isRedeemed).toBe(true);
  // The verify process tries again with its key: it gets its use, now or from before, and nobody else does.
  const retry = await redeem(service, { key, body: story.redemption! });
  expect(retry.status).toBe(isRedeemed ? 200 : 201);
  if (story.redeemedAt !== undefined) expect(retry.body.redeemedAt).toBe(story.redeemedAt);
  story.redeemedAt = retry.body.redeemedAt;
  const other = redemptionBody(story.created!.payloadHash);
  expect((await redeem(service, { key, body: other })).status).toBe(409);
}

/** Until this many steps more were acknowledged, and then a moment. */
async function enough(steps: number, momentMs: number): Promise<void> {
  const total = () => acknowledged.create + acknowledged.decide + acknowledged.redeem;
  const goal = total() + steps;
  while (total() < goal) await sleep(1);
  await sleep(momentMs);
}

test('50 times kill -9 with creates, decisions and redemptions in flight: every acknowledged one is there after restart', async () => {
  const { port } = new URL(service.url);
  for (let round = 0; round < rounds; round += 1) {
    const first = stories.length;
    const clients = Array.from({ length: 6 }, () => work());
    const clientsEnd = Promise.all(clients);
    await Promise.race([enough(1 + ((round * 7) % 20), round % 5), clientsEnd]);
    for (const step of ['create', 'decide', 'redeem'] as const) cutOff[step] += inFlight[step];
    await service.kill('SIGKILL');
    await clientsEnd;
    service = await spawnTestService({ dataDir, pageDir, port: Number(port) });
    for (const story of stories.slice(first)) await check(story);
  }
  for (const story of stories) await check(story);
  for (const step of ['create', 'decide', 'redeem'] as const) {
    expect([step, cutOff[step]]).not.toEqual([step, 0]);
    expect([step, acknowledged[step]]).not.toEqual([step, 0]);
  }
}, 180_000);
