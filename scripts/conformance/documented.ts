import { randomBytes, randomUUID } from 'node:crypto';
import * as z from 'zod';
import { createAnswerSchema } from '../../src/core/api.ts';
import { checkApproverUrl } from '../../src/client/approver-url.ts';
import { canonicalText } from '../../src/core/canonical.ts';
import { Broken, demand } from './api.ts';
import type { Statement } from './statement.ts';
import { demandHash, good, refused } from './world.ts';

const foreignKey = () => randomBytes(24).toString('base64url');
const inviteSchema = z.object({ code: z.string().min(1), registerUrl: z.url() });

/** The calls that every approval service answers (docs/PROTOCOL.md): what a gate with `assurance: service` needs. */
export const documented: readonly Statement[] = [
  {
    id: 'create',
    call: 'POST /confirmations',
    says: 'answers 201 (or 200) with id, url, payloadHash and expiresAt',
    check: async (world) => {
      await world.create();
    },
  },
  {
    id: 'create-hash',
    call: 'POST /confirmations',
    says: 'payloadHash is the SHA-256 of the RFC 8785 form of the payload',
    check: async (world) => {
      const { payloadHash, payload } = await world.pending();
      demandHash(payloadHash, payload);
    },
  },
  {
    id: 'create-text',
    call: 'POST /confirmations',
    says: 'and so it is for text beyond ASCII and characters that JSON escapes',
    check: async (world) => {
      const payload = world.payload({}, { reason: 'Größe "38" \\ a/b – 修正 🚢' });
      demandHash((await world.create(payload)).payloadHash, payload);
    },
  },
  {
    id: 'create-url',
    call: 'POST /confirmations',
    says: 'url is https (http on this machine only), without a user name',
    check: async (world) => {
      const { url, id } = await world.pending();
      try {
        checkApproverUrl(url, { phase: 'create', host: world.api.url.host, requestId: id });
      } catch (error) {
        throw new Broken(error instanceof Error ? error.message : String(error));
      }
    },
  },
  {
    id: 'create-expiry',
    call: 'POST /confirmations',
    says: 'expiresAt lies ahead',
    check: async (world) => {
      const { expiresAt } = await world.pending();
      demand(Date.parse(expiresAt) > Date.now(), expiresAt);
    },
  },
  {
    id: 'create-again',
    call: 'POST /confirmations',
    says: 'the same Idempotency-Key and body give the same confirmation again',
    check: async (world) => {
      const payload = world.payload();
      const headers = { 'idempotency-key': randomUUID() };
      const first = good(await world.post(payload, { headers }), createAnswerSchema, [200, 201]);
      const second = good(await world.post(payload, { headers }), createAnswerSchema, [200, 201]);
      demand(first.id === second.id, 'another confirmation');
    },
  },
  {
    id: 'create-conflict',
    call: 'POST /confirmations',
    says: 'the same Idempotency-Key with another body is refused with 409',
    check: async (world) => {
      const headers = { 'idempotency-key': randomUUID() };
      await world.post(world.payload(), { headers });
      refused(await world.post(world.payload(), { headers }), [409]);
    },
  },
  {
    id: 'create-no-key',
    call: 'POST /confirmations',
    says: 'without X-Api-Key is refused with 401',
    check: async (world) => {
      const body = world.body(world.payload());
      refused(await world.api.send('/confirmations', { body, key: null }), [401]);
    },
  },
  {
    id: 'create-wrong-key',
    call: 'POST /confirmations',
    says: 'with a wrong X-Api-Key is refused with 401',
    check: async (world) => {
      const body = world.body(world.payload());
      refused(await world.api.send('/confirmations', { body, key: foreignKey() }), [401]);
    },
  },
  {
    id: 'create-not-json',
    call: 'POST /confirmations',
    says: 'with a body that is no JSON is refused with 400 or 422',
    check: async (world) => {
      refused(await world.api.send('/confirmations', { body: '{' }), [400, 422]);
    },
  },
  {
    id: 'create-incomplete',
    call: 'POST /confirmations',
    says: 'without a username is refused with 400 or 422',
    check: async (world) => {
      const { action, payload } = world.body(world.payload());
      refused(await world.api.send('/confirmations', { body: { action, payload } }), [400, 422]);
    },
  },
  {
    id: 'create-nobody',
    call: 'POST /confirmations',
    says: 'for a person whom the service does not know is refused with 400, 404 or 422',
    check: async (world) => {
      const username = `nobody-${randomBytes(8).toString('hex')}`;
      refused(await world.post(world.payload(), { more: { username } }), [400, 404, 422]);
    },
  },
  {
    id: 'read',
    call: 'GET /confirmations/:id',
    says: 'answers 200 with its own id, status pending and the payload hash',
    check: async (world) => {
      const { id, payloadHash } = await world.pending();
      const { read } = await world.read(id);
      demand(read.id === id, `the id ${read.id}`);
      demand(read.status === 'pending', `the status ${read.status}`);
      demand(read.payloadHash === payloadHash, `the payload hash ${read.payloadHash}`);
    },
  },
  {
    id: 'read-payload',
    call: 'GET /confirmations/:id',
    says: 'payload, where it is given, is the object that was posted',
    check: async (world) => {
      const { id, payload } = await world.pending();
      const { read } = await world.read(id);
      if (read.payload === undefined) return;
      demand(canonicalText(read.payload) === canonicalText(payload), 'another object');
    },
  },
  {
    id: 'read-undecided',
    call: 'GET /confirmations/:id',
    says: 'neither rawAssertion nor decidedAt is there before the decision',
    check: async (world) => {
      const { id } = await world.pending();
      const { rawAssertion, decidedAt } = (await world.read(id)).read;
      demand(rawAssertion === undefined || rawAssertion === null, 'a rawAssertion');
      demand(decidedAt === undefined, `decidedAt ${String(decidedAt)}`);
    },
  },
  {
    id: 'read-at-once',
    call: 'GET /confirmations/:id',
    says: 'answers at once without wait, and with wait=0',
    check: async (world) => {
      const { id } = await world.pending();
      for (const wait of [undefined, 0]) {
        const { answer } = await world.read(id, wait);
        demand(answer.ms < 2000, `an answer after ${seconds(answer.ms)}`);
      }
    },
  },
  {
    id: 'read-waits',
    call: 'GET /confirmations/:id',
    says: 'with wait=2 answers after 2 s, still pending',
    check: async (world) => {
      const { id } = await world.pending();
      const { answer, read } = await world.read(id, 2);
      demand(read.status === 'pending', `the status ${read.status}`);
      demand(answer.ms > 1500 && answer.ms < 7000, `an answer after ${seconds(answer.ms)}`);
    },
  },
  {
    id: 'read-unknown',
    call: 'GET /confirmations/:id',
    says: 'an id that nobody has is refused with 404',
    check: async (world) => {
      refused(await world.api.send(`/confirmations/${randomUUID()}`), [404]);
    },
  },
  {
    id: 'read-no-uuid',
    call: 'GET /confirmations/:id',
    says: 'an id that is no UUID is refused with 400, 404 or 422',
    check: async (world) => {
      refused(await world.api.send('/confirmations/1'), [400, 404, 422]);
    },
  },
  {
    id: 'read-no-key',
    call: 'GET /confirmations/:id',
    says: 'without X-Api-Key is refused with 401',
    check: async (world) => {
      const { id } = await world.pending();
      refused(await world.api.send(`/confirmations/${id}`, { key: null }), [401]);
    },
  },
  {
    id: 'read-wrong-key',
    call: 'GET /confirmations/:id',
    says: 'with a wrong X-Api-Key is refused with 401',
    check: async (world) => {
      const { id } = await world.pending();
      refused(await world.api.send(`/confirmations/${id}`, { key: foreignKey() }), [401]);
    },
  },
  {
    id: 'read-decided',
    call: 'GET /confirmations/:id',
    says: 'after the decision says approved, and since when',
    needs: 'approval',
    check: async (world) => {
      const { read, request } = await world.approved();
      demand(read.status === 'approved', `the status ${read.status}`);
      demand(read.payloadHash === request.payloadHash, `the payload hash ${read.payloadHash}`);
      const age = Date.now() - Date.parse(read.decidedAt ?? '');
      demand(Math.abs(age) < 30 * 60_000, `decidedAt ${String(read.decidedAt)}`);
    },
  },
  {
    id: 'read-wakes',
    call: 'GET /confirmations/:id',
    says: 'answers who waits within 5 s of the decision',
    needs: 'approval',
    check: async (world) => {
      const { read, answer } = await world.approved();
      const answeredAt = Date.parse(answer.headers.get('date') ?? '');
      const late = answeredAt - Date.parse(read.decidedAt ?? '');
      demand(late <= 5000, `decidedAt ${String(read.decidedAt)}, answered ${seconds(late)} later`);
    },
  },
  {
    id: 'invite',
    call: 'POST /invites',
    says: 'with an admin key answers 201 with code and registerUrl',
    needs: 'admin key',
    check: async (world) => {
      const body = { note: 'conformance test', maxUses: 1 };
      const key = world.adminKey ?? null;
      good(await world.api.send('/invites', { body, key }), inviteSchema, [200, 201]);
    },
  },
  {
    id: 'invite-wrong-key',
    call: 'POST /invites',
    says: 'with a wrong X-Api-Key is refused with 401',
    check: async (world) => {
      const body = { note: 'conformance test', maxUses: 1 };
      refused(await world.api.send('/invites', { body, key: foreignKey() }), [401]);
    },
  },
];

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
