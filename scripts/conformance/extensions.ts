import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { latestDeploySchema, nonceSchema, redemptionAnswerSchema } from '../../src/core/api.ts';
import { receivedAssertionSchema } from '../../src/core/assertion.ts';
import { approvalChallenge } from '../../src/core/challenge.ts';
import { formatTime } from '../../src/core/time.ts';
import { statedChallenge } from '../../src/core/webauthn.ts';
import { demand } from './api.ts';
import type { Statement } from './statement.ts';
import { demandHash, good, refused, type Request, type World } from './world.ts';

const zeros = '0'.repeat(64);

/** The calls and rules of ours, which `assurance: signature` needs. */
export const extensions: readonly Statement[] = [
  {
    id: 'nonce',
    call: 'POST /confirmations',
    says: 'answers a nonce of 32 bytes, another for each confirmation, and GET repeats it',
    check: async (world) => {
      const first = await world.pending();
      const second = await world.create();
      demand(nonceSchema.safeParse(first.nonce).success, `nonce ${String(first.nonce)}`);
      demand(first.nonce !== second.nonce, 'the same nonce twice');
      demand((await world.read(first.id)).read.nonce === first.nonce, 'another nonce in GET');
    },
  },
  {
    id: 'expiry',
    call: 'POST /confirmations',
    says: "expiresAt is the payload's expires_at",
    check: async (world) => {
      const { expiresAt, payload } = await world.pending();
      demand(Date.parse(expiresAt) === Date.parse(payload.expires_at), expiresAt);
    },
  },
  {
    id: 'decide-by',
    call: 'POST /confirmations',
    says: 'takes decideBy',
    check: async (world) => {
      const more = { decideBy: formatTime(Date.now() + 600_000) };
      good(await world.post(world.payload(), { more }), z.object({ id: z.string() }), [201]);
    },
  },
  {
    id: 'unknown-member',
    call: 'POST /confirmations',
    says: 'a member that the body does not have is refused with 422',
    check: async (world) =>
      void refused(await world.post(world.payload(), { more: { urgent: true } }), [422]),
  },
  {
    id: 'member-twice',
    call: 'POST /confirmations',
    says: 'a member that stands twice is refused with 400',
    check: async (world) => {
      const text = JSON.stringify(world.body(world.payload()));
      const body = text.replace('{', '{"username":"somebody",');
      refused(await world.api.send('/confirmations', { body }), [400]);
    },
  },
  {
    id: 'wrong-action',
    call: 'POST /confirmations',
    says: 'an action that is not the one of the deploy payload is refused with 422',
    check: async (world) =>
      void refused(await world.post(world.payload(), { more: { action: 'Feed the cat' } }), [422]),
  },
  {
    id: 'invalid-payload',
    call: 'POST /confirmations',
    says: 'a deploy payload that is not acceptable is refused with 422, and the problems name the field',
    check: async (world) => {
      const payload = world.payload();
      const facts = { ...payload.facts, commit: 'HEAD' };
      const answer = await world.post(payload, { more: { payload: { ...payload, facts } } });
      const { problems = [] } = refused(answer, [422]);
      const fields = problems.map(({ field }) => field);
      demand(fields.includes('facts.commit'), `problems of ${fields.join(', ') || 'no field'}`);
    },
  },
  {
    id: 'other-version',
    call: 'POST /confirmations',
    says: 'a deploy payload of an unknown version is refused with 422',
    check: async (world) => {
      const payload = { ...world.payload(), schema: 'deploy-approval/v0' };
      refused(await world.post(world.payload(), { more: { payload } }), [422]);
    },
  },
  {
    id: 'stale',
    call: 'POST /confirmations',
    says: 'a requested_at that is 10 minutes old is refused with 422',
    check: async (world) =>
      void refused(await world.post(world.payload({}, { ageMs: 600_000 })), [422]),
  },
  {
    id: 'too-large',
    call: 'POST /confirmations',
    says: 'a payload of more than 64 KiB is refused with 413',
    check: async (world) => {
      const payload = { schema: 'other/v1', text: 'x'.repeat(66_000) };
      refused(await world.post(world.payload(), { more: { payload } }), [413]);
    },
  },
  {
    id: 'wait-limit',
    call: 'GET /confirmations/:id',
    says: 'a wait of more than 30 s is refused with 422',
    check: async (world) => {
      const { id } = await world.pending();
      refused(await world.api.send(`/confirmations/${id}?wait=31`), [422]);
    },
  },
  {
    id: 'username',
    call: 'GET /confirmations/:id',
    says: 'names the person who is asked',
    check: async (world) => {
      const { username } = (await world.read((await world.pending()).id)).read;
      demand(username === world.username, `username ${String(username)}`);
    },
  },
  {
    id: 'withdraw',
    call: 'DELETE /confirmations/:id',
    says: 'answers 200, and the confirmation is cancelled',
    check: async (world) => {
      const { id } = await world.create();
      const { status } = good(await world.withdraw(id), z.object({ status: z.string() }), [200]);
      demand(status === 'cancelled', `the status ${status}`);
      await demandStatus(world, id, 'cancelled');
    },
  },
  {
    id: 'withdraw-wakes',
    call: 'DELETE /confirmations/:id',
    says: 'who waits for the decision is answered within 3 s',
    check: async (world) => {
      const request = await world.create();
      await demandWakes(world, request, () => world.withdraw(request.id));
    },
  },
  {
    id: 'withdraw-final',
    call: 'DELETE /confirmations/:id',
    says: 'a confirmation that is final is refused with 409',
    check: async (world) => {
      const { id } = await world.create();
      await world.withdraw(id);
      refused(await world.withdraw(id), [409]);
    },
  },
  {
    id: 'withdraw-unknown',
    call: 'DELETE /confirmations/:id',
    says: 'an id that nobody has is refused with 404',
    check: async (world) => void refused(await world.withdraw(randomUUID()), [404]),
  },
  {
    id: 'withdraw-no-key',
    call: 'DELETE /confirmations/:id',
    says: 'without X-Api-Key is refused with 401, and nothing is withdrawn',
    check: async (world) => {
      const { id } = await world.pending();
      const call = { method: 'DELETE', key: null } as const;
      refused(await world.api.send(`/confirmations/${id}`, call), [401]);
      await demandStatus(world, id, 'pending');
    },
  },
  {
    id: 'supersede',
    call: 'POST /confirmations',
    says: 'a newer request for the same target supersedes the older one, and wakes who waits for it',
    check: async (world) => {
      const old = await world.create();
      const { region = '' } = old.payload.facts;
      await demandWakes(world, old, () => world.create(world.payload({ region })));
      await demandStatus(world, old.id, 'superseded');
    },
  },
  {
    id: 'supersede-elsewhere',
    call: 'POST /confirmations',
    says: 'a newer request for another region supersedes nothing',
    check: async (world) => {
      const { id } = await world.create();
      await world.create();
      await demandStatus(world, id, 'pending');
    },
  },
  {
    id: 'supersede-same',
    call: 'POST /confirmations',
    says: 'another confirmation of the same payload supersedes nothing',
    check: async (world) => {
      const { id, payload } = await world.create();
      await world.create(payload);
      await demandStatus(world, id, 'pending');
    },
  },
  {
    id: 'superseded-closed',
    call: 'POST /confirmations',
    says: 'a payload that was superseded is refused with 410',
    check: async (world) => {
      const { payload } = await superseded(world);
      refused(await world.post(payload), [410]);
    },
  },
  {
    id: 'redeem-unknown',
    call: 'POST /redemptions',
    says: 'a payload hash that nobody has asked about is refused with 404',
    check: async (world) =>
      void refused(await world.redeem(world.redemptionBody({ payloadHash: zeros })), [404]),
  },
  {
    id: 'redeem-pending',
    call: 'POST /redemptions',
    says: 'what nobody has approved is refused with 409',
    check: async (world) =>
      void refused(await world.redeem(world.redemptionBody(await world.pending())), [409]),
  },
  {
    id: 'redeem-run',
    call: 'POST /redemptions',
    says: 'another run than the signed one is refused with 422',
    check: async (world) => {
      const body = { ...world.redemptionBody(await world.pending()), runId: '2' };
      refused(await world.redeem(body), [422]);
    },
  },
  {
    id: 'redeem-withdrawn',
    call: 'POST /redemptions',
    says: 'what was withdrawn is refused with 410',
    check: async (world) => {
      const request = await world.create();
      await world.withdraw(request.id);
      refused(await world.redeem(world.redemptionBody(request)), [410]);
    },
  },
  {
    id: 'redeem-superseded',
    call: 'POST /redemptions',
    says: 'what was superseded is refused with 410',
    check: async (world) =>
      void refused(await world.redeem(world.redemptionBody(await superseded(world))), [410]),
  },
  {
    id: 'redeem-member',
    call: 'POST /redemptions',
    says: 'a member that the body does not have is refused with 422',
    check: async (world) => {
      const body = { ...world.redemptionBody(await world.pending()), force: true };
      refused(await world.redeem(body), [422]);
    },
  },
  {
    id: 'redeem-no-key',
    call: 'POST /redemptions',
    says: 'without X-Api-Key is refused with 401',
    check: async (world) => {
      const body = world.redemptionBody(await world.pending());
      refused(await world.api.send('/redemptions', { body, key: null }), [401]);
    },
  },
  {
    id: 'assertion',
    call: 'GET /confirmations/:id',
    says: 'rawAssertion is W3C AuthenticationResponseJSON over nonce and payload hash',
    needs: 'approval',
    check: async (world) => {
      const { read, request } = await world.approved();
      const assertion = receivedAssertionSchema.safeParse(read.rawAssertion);
      demand(assertion.success, 'another form');
      const stated = Buffer.from(statedChallenge(assertion.data) ?? []);
      const nonce = Buffer.from(request.nonce ?? '', 'base64url');
      demand(nonce.length === 32, 'no nonce to compare with');
      const due = approvalChallenge(nonce, request.payloadHash);
      demand(stated.equals(due), `the challenge ${stated.toString('base64url')}`);
    },
  },
  {
    id: 'redeem',
    call: 'POST /redemptions',
    says: 'what was approved is redeemed with 201, and its confirmation says so',
    needs: 'approval',
    check: async (world) => {
      const { request } = await world.approved();
      const { answer } = await world.redeemed();
      demand(answer.payloadHash === request.payloadHash, `the hash ${answer.payloadHash}`);
      await demandStatus(world, request.id, 'redeemed');
    },
  },
  {
    id: 'redeem-again',
    call: 'POST /redemptions',
    says: 'the same redemptionKey and body answer 200 and the same time again',
    needs: 'approval',
    check: async (world) => {
      const { body, answer } = await world.redeemed();
      const again = good(await world.redeem(body), redemptionAnswerSchema, [200]);
      demand(again.redeemedAt === answer.redeemedAt, `redeemedAt ${again.redeemedAt}`);
    },
  },
  {
    id: 'redeem-twice',
    call: 'POST /redemptions',
    says: 'another redemptionKey is refused with 409',
    needs: 'approval',
    check: async (world) => {
      await world.redeemed();
      const { request } = await world.approved();
      refused(await world.redeem(world.redemptionBody(request)), [409]);
    },
  },
  {
    id: 'latest-none',
    call: 'GET /deploys/latest',
    says: 'a target where nothing was redeemed answers 200 without members',
    check: async (world) => {
      const { payload } = await world.pending();
      const deploy = good(await world.latestDeploy(payload.facts), latestDeploySchema, [200]);
      demand(
        Object.values(deploy).every((value) => value === undefined),
        'a deploy',
      );
    },
  },
  {
    id: 'latest-member',
    call: 'GET /deploys/latest',
    says: 'a parameter that it does not have is refused with 422',
    check: async (world) => {
      const { facts } = (await world.pending()).payload;
      refused(await world.latestDeploy(facts, '&regoin=x'), [422]);
    },
  },
  {
    id: 'latest',
    call: 'GET /deploys/latest',
    says: 'answers payload, hash and time of what was redeemed last for its target',
    needs: 'approval',
    check: async (world) => {
      const { answer } = await world.redeemed();
      const { facts } = (await world.approved()).request.payload;
      const deploy = good(await world.latestDeploy(facts), latestDeploySchema, [200]);
      demand(deploy.payloadHash === answer.payloadHash, `the hash ${String(deploy.payloadHash)}`);
      demandHash(answer.payloadHash, deploy.payload);
      demand(deploy.redeemedAt === answer.redeemedAt, `redeemedAt ${String(deploy.redeemedAt)}`);
    },
  },
  {
    id: 'token-unknown',
    call: 'every call',
    says: 'a token of an issuer that nobody trusts is refused with 401, in place of a key',
    check: async (world) => {
      const { id } = await world.pending();
      const [header, claims] = [
        { alg: 'none', typ: 'JWT', kid: '1' },
        { iss: 'https://issuer.invalid', aud: world.api.url.origin },
      ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
      const headers = { authorization: `Bearer ${header ?? ''}.${claims ?? ''}.AA` };
      refused(await world.api.send(`/confirmations/${id}`, { key: null, headers }), [401]);
    },
  },
  {
    id: 'redeemed-final',
    call: 'DELETE /confirmations/:id',
    says: 'what was redeemed is refused with 409',
    needs: 'approval',
    check: async (world) => {
      await world.redeemed();
      refused(await world.withdraw((await world.approved()).request.id), [409]);
    },
  },
  {
    id: 'clock',
    call: 'every call',
    says: 'the header Date is within 60 s of this machine',
    check: async (world) => {
      const { answer } = await world.read((await world.pending()).id);
      const date = answer.headers.get('date') ?? '';
      demand(Math.abs(Date.parse(date) - Date.now()) < 60_000, `Date: ${date}`);
    },
  },
  {
    id: 'headers',
    call: 'every call',
    says: 'answers and errors are not to be stored, sniffed or framed',
    check: async (world) => {
      const { answer } = await world.read((await world.pending()).id);
      for (const { headers } of [answer, await world.api.send(`/confirmations/${randomUUID()}`)]) {
        const stored = headers.get('cache-control') ?? 'none';
        demand(/\bno-store\b/.test(stored), `Cache-Control: ${stored}`);
        const sniffed = headers.get('x-content-type-options') ?? 'none';
        demand(sniffed === 'nosniff', `X-Content-Type-Options: ${sniffed}`);
        const framed = headers.get('content-security-policy') ?? 'none';
        demand(framed.includes("frame-ancestors 'none'"), `Content-Security-Policy: ${framed}`);
      }
    },
  },
  {
    id: 'openapi',
    call: 'GET /openapi.json',
    says: 'describes the calls, and needs no key',
    check: async (world) => {
      const answer = await world.api.send('/openapi.json', { key: null, maxDepth: 64 });
      const { paths } = good(answer, z.object({ paths: z.record(z.string(), z.unknown()) }), [200]);
      for (const path of ['/confirmations', '/confirmations/{id}', '/redemptions']) {
        demand(Object.hasOwn(paths, path), `no path ${path}`);
      }
    },
  },
];

async function demandStatus(world: World, id: string, due: string): Promise<void> {
  const { status } = (await world.read(id)).read;
  demand(status === due, `the status ${status}`);
}

/** @throws Broken unless a long poll of the request ends soon after what is done to it */
async function demandWakes(
  world: World,
  { id }: Request,
  done: () => Promise<unknown>,
): Promise<void> {
  const waiting = world.read(id, 10);
  // Handled below; until then a failure of the other call must not leave it without a handler.
  waiting.catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await done();
  const doneAt = performance.now();
  const { read } = await waiting;
  const lateMs = performance.now() - doneAt;
  demand(read.status !== 'pending', 'an answer that says pending');
  demand(lateMs < 3000, `an answer ${(lateMs / 1000).toFixed(1)} s later`);
}

async function superseded(world: World): Promise<Request> {
  const old = await world.create();
  const { region = '' } = old.payload.facts;
  await world.create(world.payload({ region }));
  return old;
}
