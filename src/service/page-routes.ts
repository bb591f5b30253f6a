import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import * as z from 'zod';
import { confirmationStatuses } from '../core/api.ts';
import { receivedAssertionSchema } from '../core/assertion.ts';
import { formatTime } from '../core/time.ts';
import { nextExpiry, readConfirmation, type Confirmation } from './confirmation-rows.ts';
import type { Context } from './context.ts';
import { decide, revoke } from './decisions.ts';
import { deployAnswer, lastDeploy } from './deploys.ts';
import { beginEnrolment, finishEnrolment, registrationSchema } from './enrolments.ts';
import { goneSignal, read, waitSchema, type ById } from './http.ts';
import { passkeysOf, usernameSchema } from './people.ts';
import { Refusal } from './refusal.ts';
import { sessionUser, signIn, signInOptions, signOut } from './sessions.ts';
import { readWaiting } from './waiting.ts';

const confirmationQuery = z.object({
  wait: waitSchema,
  status: z.enum(confirmationStatuses).optional(),
});
const waitingQuery = z.object({ wait: waitSchema, version: z.string().optional() });
const decisionBody = z.strictObject({
  decision: z.enum(['approved', 'rejected']),
  assertion: receivedAssertionSchema,
});
const inviteMembers = { code: z.string().min(1).max(100), username: usernameSchema };
const enrolmentBody = z.strictObject(inviteMembers);
const finishBody = z.strictObject({ ...inviteMembers, response: registrationSchema });
const assertionBody = z.strictObject({ assertion: receivedAssertionSchema });

/** What the approval page calls, under `/page`: same origin only, and no key; a passkey speaks for its person. */
export function addPageRoutes(app: FastifyInstance, context: Context): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const isCall = request.method === 'POST' && request.url.startsWith('/page/');
    done(isCall && !isSameOrigin(context, request) ? crossSite() : undefined);
  });
  app.get('/page/config', () => ({ rpId: context.rpId, serviceName: 'Deploy Warrant' }));
  addConfirmationRoutes(app, context);
  addEnrolmentRoutes(app, context);
  addSessionRoutes(app, context);
}

/** Browsers say where a request comes from (Fetch Metadata); an old one that does not says its Origin on every POST. */
function isSameOrigin(context: Context, request: FastifyRequest): boolean {
  const site = request.headers['sec-fetch-site'];
  return site === undefined
    ? request.headers.origin === context.origin
    : site === 'same-origin' || site === 'none';
}

function crossSite(): Refusal {
  return new Refusal(403, 'cross_site', 'Only the page of this service may make this call.');
}

function addConfirmationRoutes(app: FastifyInstance, context: Context): void {
  app.get<ById>('/page/confirmations/:id', async (request, reply) => {
    const { id } = request.params;
    const { wait, status: known } = read(confirmationQuery, request.query);
    const confirmation = await context.waiters.until({
      topic: `confirmation:${id}`,
      read: () => readConfirmation(context, id),
      isNews: ({ status }) => status !== known,
      wakeAt: nextExpiry,
      now: context.now,
      waitMs: wait,
      gone: goneSignal(reply),
    });
    return toPage(context, confirmation);
  });

  app.post<ById>('/page/confirmations/:id/decision', (request) => {
    const { id } = request.params;
    const body = read(decisionBody, request.body);
    decide(context, id, body);
    return { status: body.decision };
  });

  app.post<ById>('/page/confirmations/:id/revocation', (request) => {
    const { id } = request.params;
    revoke(context, id, read(assertionBody, request.body).assertion);
    return { status: 'cancelled' };
  });
}

function addEnrolmentRoutes(app: FastifyInstance, context: Context): void {
  app.post('/page/enrolments', (request) => {
    const body = read(enrolmentBody, request.body);
    return beginEnrolment(context, { ...body, signedInAs: signedInAs(context, request) });
  });

  app.post('/page/enrolments/finish', (request) => {
    const body = read(finishBody, request.body);
    return finishEnrolment(context, { ...body, signedInAs: signedInAs(context, request) });
  });
}

function addSessionRoutes(app: FastifyInstance, context: Context): void {
  app.post('/page/sign-in/options', () => signInOptions(context));

  app.post('/page/sign-in', (request, reply) => {
    const { username, token } = signIn(context, read(assertionBody, request.body).assertion);
    setCookie(context, reply, `${token}; Max-Age=43200`);
    return { username };
  });

  app.get('/page/session', (request) => ({ username: requireUser(context, request) }));

  app.post('/page/sign-out', (request, reply) => {
    const token = sessionToken(context, request);
    if (token !== undefined) signOut(context, token);
    setCookie(context, reply, '; Max-Age=0');
    return reply.code(204).send();
  });

  app.get('/page/waiting', async (request, reply) => {
    const username = requireUser(context, request);
    const { wait, version } = read(waitingQuery, request.query);
    const { items, version: found } = await context.waiters.until({
      topic: `person:${username}`,
      read: () => readWaiting(context, username),
      isNews: (waiting) => String(waiting.version) !== version,
      wakeAt: (waiting) => waiting.nextExpiry,
      now: context.now,
      waitMs: wait,
      gone: goneSignal(reply),
    });
    return { version: found, items };
  });
}

/** What whoever has the link sees: the facts stand in the job's log anyway. */
function toPage(context: Context, confirmation: Confirmation): object {
  const { id, status, username, action, payload, payloadHash, nonce } = confirmation;
  const { createdAt, expiresAt, decideBy, decidedAt, attested, target } = confirmation;
  // As this request found it: what is shown stays the same once this deploy is the last one itself.
  const before =
    target === undefined ? undefined : lastDeploy(context, { target, before: createdAt });
  return {
    id,
    status,
    username,
    action,
    payload,
    payloadHash,
    nonce,
    createdAt: formatTime(createdAt),
    expiresAt: formatTime(expiresAt),
    ...(decideBy === undefined ? {} : { decideBy: formatTime(decideBy) }),
    ...(decidedAt === undefined ? {} : { decidedAt: formatTime(decidedAt) }),
    credentialIds: passkeysOf(context, username).map(({ key }) => key.id),
    ...(attested === undefined ? {} : { attested }),
    ...(before === undefined ? {} : { lastDeploy: deployAnswer(before) }),
  };
}

/** With the prefix `__Host-` a browser takes the cookie from this host over https only (RFC 6265bis section 4.1.3.2). */
function cookieName(context: Context): string {
  return context.origin.startsWith('https:') ? '__Host-deploy-warrant' : 'deploy-warrant';
}

function setCookie(context: Context, reply: FastifyReply, value: string): void {
  const secure = context.origin.startsWith('https:') ? '; Secure' : '';
  reply.header(
    'set-cookie',
    `${cookieName(context)}=${value}; Path=/; HttpOnly; SameSite=Strict${secure}`,
  );
}

function sessionToken(context: Context, request: FastifyRequest): string | undefined {
  const pairs = (request.headers.cookie ?? '').split('; ').map((pair) => pair.split('='));
  return pairs.find(([name]) => name === cookieName(context))?.[1];
}

function signedInAs(context: Context, request: FastifyRequest): string | undefined {
  return sessionUser(context, sessionToken(context, request));
}

function requireUser(context: Context, request: FastifyRequest): string {
  const username = signedInAs(context, request);
  if (username === undefined) throw new Refusal(401, 'signed_out', 'Sign in with your passkey.');
  return username;
}
