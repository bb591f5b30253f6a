import * as z from 'zod';
import {
  confirmationIdSchema,
  confirmationSchema,
  createAnswerSchema,
  createBodySchema,
  errorSchema,
  latestDeploySchema,
  redemptionAnswerSchema,
  redemptionBodySchema,
} from '../../src/core/api.ts';
import { credentialIdSchema, userHandleSchema } from '../../src/core/assertion.ts';
import { algorithms } from '../../src/core/passkeys.ts';
import { keyBodySchema } from '../../src/service/api-keys.ts';
import { latestDeployQuery } from '../../src/service/deploys.ts';
import { inviteBodySchema } from '../../src/service/invites.ts';
import {
  repositoriesSchema,
  repositoryAnswerSchema,
  repositoryBodySchema,
} from '../../src/service/repositories.ts';

/** The error codes of a call by HTTP status: what a caller may meet, and what a test compares with the service. */
type Errors = Readonly<Record<number, readonly string[]>>;

interface Call {
  readonly method: 'get' | 'post' | 'delete';
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  /** Which key it takes; the documented calls are those that other services answer too. */
  readonly key: 'request' | 'admin' | 'none';
  readonly documented?: true;
  readonly body?: string;
  readonly parameters?: readonly object[];
  /** Status and schema of a good answer, or none for one without a body. */
  readonly good: Readonly<Record<number, string | undefined>>;
  readonly errors: Errors;
}

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** The bodies by name. Those that our service reads are closed; of answers, unknown members are to be ignored. */
const schemas = {
  CreateBody: createBodySchema,
  CreateAnswer: createAnswerSchema,
  Confirmation: confirmationSchema,
  RedemptionBody: redemptionBodySchema,
  RedemptionAnswer: redemptionAnswerSchema,
  LatestDeploy: latestDeploySchema,
  Error: errorSchema.extend({ status: z.string().optional() }),
  InviteBody: inviteBodySchema,
  InviteAnswer: z.object({ code: z.string(), registerUrl: z.url() }),
  KeyBody: keyBodySchema,
  KeyAnswer: z.object({ id: z.string(), key: z.string() }),
  RepositoryBody: repositoryBodySchema,
  RepositoryAnswer: repositoryAnswerSchema,
  Repositories: repositoriesSchema,
  Passkeys: z.object({
    passkeys: z.array(
      z.object({
        username: z.string(),
        id: credentialIdSchema,
        algorithm: z.enum(algorithms),
        publicKey: z.string().meta({ description: 'SubjectPublicKeyInfo in DER, base64url' }),
        userHandle: userHandleSchema,
        sha256: sha256.meta({
          description: 'of the SPKI bytes; the enrolment page shows it to its owner',
        }),
      }),
    ),
  }),
  Health: z.object({ status: z.literal('ok') }),
  OpenApi: z.object({ openapi: z.string() }),
} satisfies Readonly<Record<string, z.ZodType>>;

const idParameter = (description: string, schema: z.ZodType) => ({
  name: 'id',
  in: 'path',
  required: true,
  description,
  schema: jsonSchema(schema),
});
const queryParameters = (schema: z.ZodObject): object[] =>
  Object.entries(schema.shape).map(([name, member]) => ({
    name,
    in: 'query',
    required: !z.safeParse(member, undefined).success && !(member instanceof z.ZodExactOptional),
    schema: jsonSchema(member as z.ZodType),
  }));
const confirmationId = idParameter('of a confirmation', confirmationIdSchema);

/** What every call with a key may answer: a token may stand in its place, if only to be refused. */
const keyed: Errors = {
  401: ['unauthorized'],
  403: ['forbidden', 'unknown_repository'],
  503: ['issuer_unavailable'],
};
/** What a call may answer that a job makes by a token. */
const byToken: Errors = merge(keyed, { 401: ['token_used'] });
const withBody: Errors = {
  400: ['invalid_json', 'invalid_request'],
  413: ['too_large'],
  415: ['unsupported_media_type'],
  422: ['invalid_request'],
};
const missing: Errors = { 404: ['not_found'] };

const calls: readonly Call[] = [
  {
    method: 'post',
    path: '/confirmations',
    id: 'createConfirmation',
    summary: 'Put a payload to one person',
    key: 'request',
    documented: true,
    body: 'CreateBody',
    parameters: [
      {
        name: 'Idempotency-Key',
        in: 'header',
        required: false,
        description:
          'The same key and body give the same answer again, and no second confirmation.',
        schema: { type: 'string', pattern: '^[!-~]{1,255}$' },
      },
    ],
    good: { 201: 'CreateAnswer' },
    errors: merge(byToken, withBody, {
      403: ['out_of_scope'],
      409: ['idempotency_conflict'],
      410: ['superseded'],
      422: [
        'invalid_payload',
        'identity_mismatch',
        'wrong_action',
        'stale_request',
        'unknown_user',
      ],
      429: ['too_many'],
    }),
  },
  {
    method: 'get',
    path: '/confirmations/{id}',
    id: 'readConfirmation',
    summary: 'Read a confirmation, or wait for its decision',
    key: 'request',
    documented: true,
    parameters: [
      confirmationId,
      {
        name: 'wait',
        in: 'query',
        required: false,
        description:
          'The most seconds to wait while it is pending; the answer comes at once when it is not.',
        schema: { type: 'integer', minimum: 0, maximum: 30, default: 0 },
      },
    ],
    good: { 200: 'Confirmation' },
    errors: merge(byToken, missing, { 422: ['invalid_request'] }),
  },
  {
    method: 'delete',
    path: '/confirmations/{id}',
    id: 'withdrawConfirmation',
    summary: 'Withdraw a confirmation that is not final',
    key: 'request',
    parameters: [confirmationId],
    good: { 200: 'Confirmation' },
    errors: merge(byToken, missing, { 409: ['final'] }),
  },
  {
    method: 'post',
    path: '/redemptions',
    id: 'redeem',
    summary: 'Use an approval up, once per payload hash',
    description:
      '201 for the one use; 200 when the same redemptionKey and body come again, with the same answer.',
    key: 'request',
    body: 'RedemptionBody',
    good: { 200: 'RedemptionAnswer', 201: 'RedemptionAnswer' },
    errors: merge(byToken, withBody, missing, {
      409: ['already_redeemed', 'idempotency_conflict', 'not_approved'],
      410: ['rejected', 'cancelled', 'superseded', 'expired', 'passkey_revoked'],
      422: ['wrong_run', 'identity_mismatch'],
    }),
  },
  {
    method: 'get',
    path: '/deploys/latest',
    id: 'readLatestDeploy',
    summary: 'Read the last redeemed deploy of a target',
    description:
      'Without members where none was redeemed. The target is repositoryId (or, without one, repository), service, environment, region, account, tenant and cluster.',
    key: 'request',
    parameters: queryParameters(latestDeployQuery),
    good: { 200: 'LatestDeploy' },
    errors: merge(byToken, missing, { 422: ['invalid_request'] }),
  },
  {
    method: 'post',
    path: '/invites',
    id: 'createInvite',
    summary: 'Make an invite to enrol a passkey',
    key: 'admin',
    documented: true,
    body: 'InviteBody',
    good: { 201: 'InviteAnswer' },
    errors: merge(keyed, withBody),
  },
  {
    method: 'post',
    path: '/keys',
    id: 'createKey',
    summary: 'Make a request key; the answer is the only place where it is shown',
    key: 'admin',
    body: 'KeyBody',
    good: { 201: 'KeyAnswer' },
    errors: merge(keyed, withBody),
  },
  {
    method: 'delete',
    path: '/keys/{id}',
    id: 'revokeKey',
    summary: 'Revoke a key',
    key: 'admin',
    parameters: [idParameter('of a key', z.string())],
    good: { 204: undefined },
    errors: merge(keyed, missing),
  },
  {
    method: 'post',
    path: '/repositories',
    id: 'addRepository',
    summary: 'Let the jobs of a repository ask by the ID token of their CI',
    key: 'admin',
    body: 'RepositoryBody',
    good: { 201: 'RepositoryAnswer' },
    errors: merge(keyed, withBody, { 409: ['already_listed'], 422: ['unknown_issuer'] }),
  },
  {
    method: 'get',
    path: '/repositories',
    id: 'listRepositories',
    summary: 'List the repositories whose tokens are taken',
    key: 'admin',
    good: { 200: 'Repositories' },
    errors: keyed,
  },
  {
    method: 'delete',
    path: '/repositories/{id}',
    id: 'removeRepository',
    summary: 'Take no tokens of a repository any more',
    key: 'admin',
    parameters: [idParameter('of the entry in the list', z.string())],
    good: { 204: undefined },
    errors: merge(keyed, missing),
  },
  {
    method: 'get',
    path: '/passkeys',
    id: 'listPasskeys',
    summary: 'List the passkeys that a policy may pin',
    key: 'admin',
    good: { 200: 'Passkeys' },
    errors: keyed,
  },
  {
    method: 'delete',
    path: '/passkeys/{id}',
    id: 'revokePasskey',
    summary: 'Revoke a passkey, and what it approved and nobody has redeemed',
    key: 'admin',
    parameters: [idParameter('the credential id, base64url', credentialIdSchema)],
    good: { 204: undefined },
    errors: merge(keyed, missing, { 422: ['invalid_request'] }),
  },
  {
    method: 'get',
    path: '/health',
    id: 'health',
    summary: 'Say that the service runs',
    key: 'none',
    good: { 200: 'Health' },
    errors: {},
  },
  {
    method: 'get',
    path: '/openapi.json',
    id: 'describe',
    summary: 'This document',
    key: 'none',
    good: { 200: 'OpenApi' },
    errors: {},
  },
];

/** What any call may answer: it is not the call that is at fault. */
const always: Errors = {
  408: ['too_slow'],
  500: ['internal'],
  503: ['store_unavailable'],
};

/** The API as an OpenAPI 3.1 document. */
export function openApi(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const call of calls) (paths[call.path] ??= {})[call.method] = operation(call);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Deploy Warrant approval service',
      version: '1',
      description:
        'docs/PROTOCOL.md says what the calls mean. A service that answers the calls with x-documented true will do for a gate with assurance: service; the others are extensions.',
    },
    servers: [{ url: '/api' }],
    security: [{ key: [] }, { token: [] }],
    paths,
    components: {
      securitySchemes: {
        key: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
        token: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description:
            "The ID token of a CI job, with this service's origin as its audience, of a repository on the service's list.",
        },
      },
      schemas: Object.fromEntries(
        Object.entries(schemas).map(([name, schema]) => [name, jsonSchema(schema)]),
      ),
    },
  };
}

function operation(call: Call): object {
  const { id, summary, description, parameters, body, key } = call;
  return {
    operationId: id,
    summary,
    ...(description === undefined ? {} : { description }),
    'x-documented': call.documented ?? false,
    'x-key': key,
    ...(key === 'none' ? { security: [] } : {}),
    ...(key === 'admin' ? { security: [{ key: [] }] } : {}),
    ...(parameters === undefined ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { required: true, content: json(body) } }),
    responses: { ...goodResponses(call), ...errorResponses(merge(call.errors, always)) },
  };
}

function goodResponses({ good, summary }: Call): object {
  return Object.fromEntries(
    Object.entries(good).map(([status, name]) => [
      status,
      { description: summary, ...(name === undefined ? {} : { content: json(name) }) },
    ]),
  );
}

function errorResponses(errors: Errors): object {
  return Object.fromEntries(
    Object.entries(errors).map(([status, codes]) => [
      status,
      {
        description: `code: ${codes.join(', ')}`,
        'x-codes': codes,
        ...([429, 503].includes(Number(status))
          ? { headers: { 'Retry-After': { schema: { type: 'integer' } } } }
          : {}),
        content: json('Error'),
      },
    ]),
  );
}

function json(name: string): object {
  return { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } };
}

function merge(...all: readonly Errors[]): Errors {
  const merged: Record<number, readonly string[]> = {};
  for (const errors of all) {
    for (const [status, codes] of Object.entries(errors)) {
      merged[Number(status)] = [...(merged[Number(status)] ?? []), ...codes];
    }
  }
  return merged;
}

function jsonSchema(schema: z.ZodType): object {
  // OpenAPI 3.1 has one dialect for all of its schemas.
  return { ...z.toJSONSchema(schema, { io: 'input' }), $schema: undefined };
}
