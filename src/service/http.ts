import { once } from 'node:events';
import type { Socket } from 'node:net';
import {
  fastify,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import * as z from 'zod';
import { JsonError, maxPayloadBytes, parseJson, type JsonValue } from '../core/json.ts';
import { problemsOf } from '../core/problems.ts';
import { invalidRequest, notFound, Refusal } from './refusal.ts';
import { isStoreUnavailable } from './store.ts';

/** A payload, and what stands around it in a body. */
const maxBodyBytes = maxPayloadBytes + 4096;
/** How long the answers under way may take when the server closes: half of what `docker stop` allows. */
const closingMs = 5_000;

/**
 * The HTTP server without its routes: bodies are JSON by the strict reader, within size, depth and time; every answer that is
 * no success is `{code, message}`.
 * @param o.bodyTimeoutMs how long a client may take to send its request
 */
export function createHttp(o: {
  readonly bodyTimeoutMs: number;
  readonly log: (line: string) => void;
}): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: maxBodyBytes,
    requestTimeout: o.bodyTimeoutMs,
    exposeHeadRoutes: false,
    frameworkErrors: (error, _request, reply) => void sendError(reply, refusalOf(error)),
    clientErrorHandler: answerUnreadable,
    // What a closing server is asked, it answers; the last answer ends the rest.
    return503OnClosing: false,
    forceCloseConnections: true,
    http: {
      headersTimeout: o.bodyTimeoutMs,
      connectionsCheckingInterval: Math.min(1000, o.bodyTimeoutMs),
    },
  });
  awaitAnswers(app);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    (
      request: FastifyRequest,
      body: Buffer,
      done: (error: Error | null, body?: unknown) => void,
    ) => {
      try {
        done(null, readBody(request, body));
      } catch (error) {
        done(error as Error);
      }
    },
  );
  app.setNotFoundHandler((_request, reply) => sendError(reply, notFound()));
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const refusal = refusalOf(error);
    if (refusal.httpStatus >= 500) o.log(`${refusal.code}: ${String(error.stack)}`);
    return sendError(reply, refusal);
  });
  return app;
}

/**
 * Lets the answers under way end before the server closes, for {@link closingMs} at most. The server itself would wait without end
 * for a connection that says nothing, such as one that a browser has opened in advance.
 */
function awaitAnswers(app: FastifyInstance): void {
  const answers = new Set<Promise<void>>();
  app.addHook('onRequest', (_request, reply, done) => {
    const answer = new Promise<void>((resolve) => {
      reply.raw.once('close', () => {
        answers.delete(answer);
        resolve();
      });
    });
    answers.add(answer);
    done();
  });
  app.addHook('preClose', async () => {
    const late = AbortSignal.timeout(closingMs);
    while (answers.size > 0 && !late.aborted) {
      await Promise.race([once(late, 'abort'), Promise.all(answers)]);
    }
  });
}

/** Before there is a request to answer: what came is no HTTP, is too large, or took too long. */
function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const isSlow = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const status = isSlow ? '408 Request Timeout' : '400 Bad Request';
  const body = isSlow
    ? { code: 'too_slow', message: 'The request took too long to arrive.' }
    : { code: 'invalid_request', message: 'This is not a request that HTTP knows.' };
  const text = JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`,
  );
}

function readBody(request: FastifyRequest, body: Buffer): JsonValue {
  if (request.headers['content-encoding'] !== undefined) {
    throw new Refusal(415, 'unsupported_media_type', 'Send the body as it is, not compressed.');
  }
  return parseJson(body, { maxBytes: maxBodyBytes });
}

const retryAfterSeconds: ReadonlyMap<number, number> = new Map([
  [429, 10],
  [503, 1],
]);

function sendError(reply: FastifyReply, refusal: Refusal): FastifyReply {
  const retryAfter = retryAfterSeconds.get(refusal.httpStatus);
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
  const { code, message, details } = refusal;
  return reply.code(refusal.httpStatus).send({ code, message, ...details });
}

function refusalOf(error: FastifyError): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof JsonError) {
    return new Refusal(400, 'invalid_json', `The body is not acceptable JSON: ${error.message}`);
  }
  if (isStoreUnavailable(error)) {
    return new Refusal(503, 'store_unavailable', 'The store can not be written now. Try again.');
  }
  switch (error.statusCode) {
    case 413:
      return new Refusal(413, 'too_large', `A body has at most ${maxBodyBytes} bytes.`);
    case 415:
      return new Refusal(415, 'unsupported_media_type', 'Send application/json.');
    case 400:
    case 404:
    case 414:
      return new Refusal(error.statusCode, 'invalid_request', 'The request can not be read.');
    default:
      return new Refusal(500, 'internal', 'This is a bug of the service; its log says more.');
  }
}

/** A part of a request by its schema. @throws Refusal 422 with every problem */
export function read<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (!result.success) throw invalidRequest(problemsOf(result.error));
  return result.data;
}

/** A route with `:id` in its path. */
export interface ById {
  readonly Params: { readonly id: string };
}

/** Seconds of a long poll, 0 to 30, as milliseconds. */
export const waitSchema = z
  .string()
  .regex(/^([0-9]|[12][0-9]|30)$/, 'is not a whole number of seconds from 0 to 30')
  .default('0')
  .transform((text) => Number(text) * 1000);

/** Aborted when the client has gone away, or has its answer. */
export function goneSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => controller.abort());
  return controller.signal;
}
