import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import {
  confirmationSchema,
  createAnswerSchema,
  errorSchema,
  redemptionAnswerSchema,
  type Confirmation,
  type CreateAnswer,
  type RedemptionAnswer,
} from '../../src/core/api.ts';
import type { DeployFacts } from '../../src/core/facts.ts';
import { listProblems } from '../../src/core/fault.ts';
import { documentHash } from '../../src/core/hash.ts';
import { buildPayload, payloadAction, type ApprovalPayload } from '../../src/core/payload.ts';
import { problemsOf } from '../../src/core/problems.ts';
import { visible } from '../../src/core/text.ts';
import { demand, type Answer, type Api } from './api.ts';

/** What the key under test may ask for; a scoped key has to cover it. */
export type Target = Pick<DeployFacts, 'repository' | 'service' | 'environment'>;

export interface WorldOptions {
  readonly api: Api;
  readonly adminKey?: string | undefined;
  /** Who is asked: somebody with a passkey at the service. */
  readonly username: string;
  readonly target: Target;
  /** Tells the person what to approve; absent: nobody is asked to. */
  readonly onAsk?: ((url: string, id: string) => void | Promise<void>) | undefined;
}

/** A request that stands at the service. */
export interface Request extends CreateAnswer {
  readonly payload: ApprovalPayload;
}

/** A confirmation, its assertion still as it came. */
export type Read = Omit<Confirmation, 'rawAssertion'> & { readonly rawAssertion?: unknown };

const readSchema = confirmationSchema.extend({ rawAssertion: z.unknown().optional() });
const validMs = 20 * 60_000;

/** What the statements share. Every request is about a target of its own, so that nothing real is superseded. */
export class World {
  readonly api: Api;
  readonly adminKey: string | undefined;
  readonly username: string;
  private readonly target: Target;
  private readonly onAsk: WorldOptions['onAsk'];
  private readonly ids: string[] = [];
  private pendingOne: Promise<Request> | undefined;
  private approvedOne: Promise<{ request: Request; answer: Answer; read: Read }> | undefined;
  private redeemedOne: Promise<{ body: object; answer: RedemptionAnswer }> | undefined;

  constructor(options: WorldOptions) {
    this.api = options.api;
    this.adminKey = options.adminKey;
    this.username = options.username;
    this.target = options.target;
    this.onAsk = options.onAsk;
  }

  /** A payload of a target of its own, asked for now. */
  payload(facts: Partial<DeployFacts> = {}, o: { ageMs?: number; reason?: string } = {}) {
    const requestedAt = Date.now() - (o.ageMs ?? 0);
    return buildPayload({
      facts: {
        schema: 'deploy-facts/v1',
        ...this.target,
        region: `conformance-${randomBytes(8).toString('hex')}`,
        ref: 'refs/heads/main',
        commit: randomBytes(20).toString('hex'),
        actor: { login: 'conformance', id: 'conformance:run', type: 'pipeline' },
        run_id: '1',
        run_attempt: '1',
        migration: { kind: 'none' },
        rollback: { kind: 'version', value: 'v1.0.0' },
        ...facts,
      },
      requestId: randomBytes(16).toString('hex'),
      requestedAt,
      expiresAt: requestedAt + validMs,
      reason: o.reason ?? 'Conformance test: nothing is deployed',
    });
  }

  body(payload: ApprovalPayload): Readonly<Record<string, unknown>> {
    return { username: this.username, action: payloadAction(payload.facts), payload };
  }

  /** Posts a payload, with whatever else is wanted in the body, and answers as the service does. */
  async post(
    payload: ApprovalPayload,
    o: { readonly more?: object; readonly headers?: Readonly<Record<string, string>> } = {},
  ): Promise<Answer> {
    const body = { ...this.body(payload), ...o.more };
    const answer = await this.api.send('/confirmations', { body, headers: o.headers ?? {} });
    // Whatever becomes of the statement, the request is withdrawn at the end.
    const id = z.object({ id: z.string() }).safeParse(answer.body).data?.id;
    if (id !== undefined && !this.ids.includes(id)) this.ids.push(id);
    return answer;
  }

  /** @throws Broken unless it was created */
  async create(payload = this.payload()): Promise<Request> {
    const answer = await this.post(payload);
    return { ...good(answer, createAnswerSchema, [200, 201]), payload };
  }

  /** One request that stays pending, for all who only look at it. */
  pending(): Promise<Request> {
    this.pendingOne ??= this.create();
    return this.pendingOne;
  }

  async read(id: string, wait?: number): Promise<{ answer: Answer; read: Read }> {
    const query = wait === undefined ? '' : `?wait=${wait}`;
    const answer = await this.api.send(`/confirmations/${id}${query}`);
    return { answer, read: good(answer, readSchema, [200]) };
  }

  /** The request that the person has approved. */
  approved(): Promise<{ request: Request; answer: Answer; read: Read }> {
    this.approvedOne ??= this.askForApproval();
    return this.approvedOne;
  }

  private async askForApproval() {
    const request = await this.create();
    await this.onAsk?.(request.url, request.id);
    const deadline = Date.now() + validMs;
    for (;;) {
      const { answer, read } = await this.read(request.id, 25);
      if (read.status !== 'pending') return { request, answer, read };
      demand(Date.now() < deadline, 'nobody approved in time');
      // A service that does not wait is asked no more than once a second.
      if (answer.ms < 1000) await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }

  redemptionBody({ payloadHash }: Pick<Request, 'payloadHash'>) {
    const redemptionKey = randomBytes(32).toString('base64url');
    return { payloadHash, redemptionKey, runId: '1', runAttempt: '1', job: 'conformance' };
  }

  redeem(body: object): Promise<Answer> {
    return this.api.send('/redemptions', { body });
  }

  /** The one use of the approval. */
  redeemed(): Promise<{ body: object; answer: RedemptionAnswer }> {
    this.redeemedOne ??= this.redeemApproved();
    return this.redeemedOne;
  }

  private async redeemApproved() {
    const { request } = await this.approved();
    const body = this.redemptionBody(request);
    return { body, answer: good(await this.redeem(body), redemptionAnswerSchema, [201]) };
  }

  /** @param more further parameters, from their `&` on */
  latestDeploy(facts: DeployFacts, more = ''): Promise<Answer> {
    const { repository, service, environment, region = '' } = facts;
    const query = new URLSearchParams({ repository, service, environment, region });
    return this.api.send(`/deploys/latest?${query}${more}`);
  }

  withdraw(id: string): Promise<Answer> {
    return this.api.send(`/confirmations/${id}`, { method: 'DELETE' });
  }

  /** Best effort: what is left lapses by itself. */
  async withdrawAll(): Promise<void> {
    await Promise.allSettled(this.ids.map((id) => this.withdraw(id)));
  }
}

/** The value of a good answer. @throws Broken */
export function good<T>(answer: Answer, schema: z.ZodType<T>, statuses: readonly number[]): T {
  demand(statuses.includes(answer.status), `status ${said(answer)}`);
  demand(answer.body !== undefined, `a body that is no strict JSON of type application/json`);
  const parsed = schema.safeParse(answer.body);
  const problems = parsed.success ? '' : listProblems(problemsOf(parsed.error));
  demand(parsed.success, visible(problems, 300));
  return parsed.data;
}

/** The body of an error. @throws Broken unless the call was refused with one of these statuses and `{code, message}` */
export function refused(answer: Answer, statuses: readonly number[]) {
  return good(answer, errorSchema, statuses);
}

/** The status of an answer and, of an error, what it says. */
function said({ status, body }: Answer): string {
  const error = errorSchema.safeParse(body);
  return error.success ? `${status} (${visible(error.data.message, 200)})` : String(status);
}

/** @throws Broken unless the hash is that of the payload's RFC 8785 form */
export function demandHash(theirs: string, payload: unknown): void {
  const ours = documentHash(payload);
  demand(theirs === ours, `${theirs} for a payload whose hash is ${ours}`);
}
