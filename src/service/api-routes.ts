import type { FastifyInstance, FastifyRequest } from 'fastify';
import * as z from 'zod';
import openApi from '../../openapi.json' with { type: 'json' };
import { createBodySchema, redemptionBodySchema } from '../core/api.ts';
import { credentialIdSchema } from '../core/assertion.ts';
import { documentHash } from '../core/hash.ts';
import { createKey, keyBodySchema, revokeKey } from './api-keys.ts';
import { authenticate } from './authenticate.ts';
import { covers, requireAdmin, requireRequester, type Requester } from './callers.ts';
import {
  readConfirmation,
  nextExpiry,
  storedFacts,
  toApi,
  type Confirmation,
} from './confirmation-rows.ts';
import type { Context } from './context.ts';
import { createConfirmation } from './create.ts';
import { withdraw } from './decisions.ts';
import { latestDeployQuery, readLatestDeploy } from './deploys.ts';
import { goneSignal, read, waitSchema, type ById } from './http.ts';
import { createInvite, inviteBodySchema } from './invites.ts';
import { listPasskeys, revokePasskey } from './people.ts';
import { redeem } from './redemptions.ts';
import { notFound, Refusal } from './refusal.ts';
import {
  addRepository,
  listRepositories,
  removeRepository,
  repositoryBodySchema,
} from './repositories.ts';
import { bindToken } from './used-tokens.ts';

const waitQuery = z.object({ wait: waitSchema });
const idempotencyKeySchema = z.string().regex(/^[!-~]{1,255}$/);

/** The API for machines (DESIGN 3.5), under `/api`. Every call needs a key; no key decides anything. */
export function addApiRoutes(app: FastifyInstance, context: Context): void {
  addRequesterRoutes(app, context);
  addAdminRoutes(app, context);
  app.get('/api/health', () => ({ status: 'ok' }));
  // The same for everybody, so that a client can be made from it: no key.
  const description = JSON.stringify(openApi);
  app.get('/api/openapi.json', (_request, reply) =>
    reply.type('application/json; charset=utf-8').send(description),
  );
}

function addRequesterRoutes(app: FastifyInstance, context: Context): void {
  const requester = async (request: FastifyRequest): Promise<Requester> =>
    requireRequester(await authenticate(context, request.headers));

  app.post('/api/confirmations', async (request, reply) => {
    const caller = await requester(request);
    const body = read(createBodySchema, request.body);
    const payloadHash = documentHash(body.payload);
    bindToken(context, caller, { call: 'create', payloadHash });
    const idempotencyKey = readIdempotencyKey(request.headers['idempotency-key']);
    return reply.code(201).send(createConfirmation(context, caller, { body, idempotencyKey }));
  });

  app.get<ById>('/api/confirmations/:id', async (request, reply) => {
    const caller = await requester(request);
    const { id } = visibleTo(context, caller, request.params.id);
    bindToken(context, caller, { call: 'read' });
    const { wait } = read(waitQuery, request.query);
    const confirmation = await context.waiters.until({
      topic: `confirmation:${id}`,
      read: () => readConfirmation(context, id),
      isNews: ({ status }) => status !== 'pending',
      wakeAt: nextExpiry,
      now: context.now,
      waitMs: wait,
      gone: goneSignal(reply),
    });
    return toApi(confirmation);
  });

  app.delete<ById>('/api/confirmations/:id', async (request) => {
    const caller = await requester(request);
    const { id, payloadHash } = visibleTo(context, caller, request.params.id);
    bindToken(context, caller, { call: 'withdraw', payloadHash });
    return toApi(withdraw(context, id));
  });

  app.post('/api/redemptions', async (request, reply) => {
    const caller = await requester(request);
    const body = read(redemptionBodySchema, request.body);
    bindToken(context, caller, { call: 'redeem', payloadHash: body.payloadHash });
    const { httpStatus, answer } = redeem(context, caller, body);
    return reply.code(httpStatus).send(answer);
  });

  app.get('/api/deploys/latest', async (request) => {
    const caller = await requester(request);
    bindToken(context, caller, { call: 'read' });
    return readLatestDeploy(context, caller, read(latestDeployQuery, request.query));
  });
}

function addAdminRoutes(app: FastifyInstance, context: Context): void {
  const admin = async (request: FastifyRequest): Promise<void> =>
    requireAdmin(await authenticate(context, request.headers));

  app.post('/api/invites', async (request, reply) => {
    await admin(request);
    const body = read(inviteBodySchema, request.body);
    return reply.code(201).send(createInvite(context, body));
  });

  app.post('/api/keys', async (request, reply) => {
    await admin(request);
    const { note, ...scope } = read(keyBodySchema, request.body);
    return reply.code(201).send(createKey(context, { note, scope }));
  });

  app.delete<ById>('/api/keys/:id', async (request, reply) => {
    await admin(request);
    revokeKey(context, request.params.id);
    return reply.code(204).send();
  });

  app.post('/api/repositories', async (request, reply) => {
    await admin(request);
    return reply.code(201).send(addRepository(context, read(repositoryBodySchema, request.body)));
  });

  app.get('/api/repositories', async (request) => {
    await admin(request);
    return listRepositories(context);
  });

  app.delete<ById>('/api/repositories/:id', async (request, reply) => {
    await admin(request);
    removeRepository(context, request.params.id);
    return reply.code(204).send();
  });

  app.get('/api/passkeys', async (request) => {
    await admin(request);
    return { passkeys: listPasskeys(context) };
  });

  app.delete('/api/passkeys/:id', async (request, reply) => {
    await admin(request);
    revokePasskey(context, read(z.object({ id: credentialIdSchema }), request.params).id);
    return reply.code(204).send();
  });
}

/** A confirmation, if this key may know of it. @throws Refusal 404 */
function visibleTo(context: Context, caller: Requester, id: string): Confirmation {
  const confirmation = readConfirmation(context, id);
  const { payload, attested } = confirmation;
  if (!covers(caller, storedFacts(payload), attested?.issuer)) throw notFound();
  return confirmation;
}

function readIdempotencyKey(header: unknown): string | undefined {
  if (header === undefined) return undefined;
  const key = idempotencyKeySchema.safeParse(header);
  if (key.success) return key.data;
  throw new Refusal(
    422,
    'invalid_request',
    'The header Idempotency-Key has 1 to 255 visible ASCII characters.',
  );
}
