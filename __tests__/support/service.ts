import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { approvalChallenge, rejectionChallenge } from '../../src/core/challenge.ts';
import type { Algorithm } from '../../src/core/passkeys.ts';
import { buildPayload, payloadAction, type ApprovalPayload } from '../../src/core/payload.ts';
import type { DeployFacts } from '../../src/core/facts.ts';
import type { ServiceConfig } from '../../src/service/config.ts';
import { startService, type ServiceSurroundings } from '../../src/service/serve.ts';
import { createPasskey, makeAssertion, type TestPasskey } from './authenticator.ts';
import { builtBundles } from './bundles.ts';
import { exampleFacts } from './deploy.ts';
import { makeRegistration } from './registration.ts';

/** The real service with a real store in a temporary folder, and people with software passkeys. */
export interface TestService {
  /** Where it listens, such as `http://localhost:41923`. */
  readonly url: string;
  /** The origin of page and passkeys: the same, unless another was configured. */
  readonly origin: string;
  readonly apiUrl: string;
  readonly rpId: string;
  /** The folder of the store. */
  readonly dataDir: string;
  readonly adminKey: string;
  /** The first invite, good for one person. */
  readonly inviteUrl: string;
  /** What the service has logged. */
  readonly log: readonly string[];
  /** Ends it; the store stays until {@link removeFolders}. */
  readonly close: () => Promise<void>;
}

export interface ServiceProcess extends TestService {
  readonly child: ChildProcess;
  /** Ends the process at once with this signal, and waits for its end. */
  readonly kill: (signal: NodeJS.Signals) => Promise<void>;
}

const folders: string[] = [];

/** A new temporary folder. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'deploy-warrant-test-'));
  folders.push(folder);
  return folder;
}

/** What still runs, for a test that failed before it closed its service: an open server would keep jest from ending. */
const running = new Set<() => Promise<void>>();

/** For `afterAll`: ends every service and removes every folder that was made here. */
export async function removeFolders(): Promise<void> {
  for (const end of [...running]) await end();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
}

/** A page that is none, for tests that need no browser. */
export async function stubPage(): Promise<string> {
  const folder = join(await temporaryFolder(), 'page');
  await mkdir(folder);
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>stub</title>');
  await writeFile(join(folder, 'page.js'), 'export {};');
  await writeFile(join(folder, 'page.css'), ':root {}');
  return folder;
}

/** Starts the service inside this process. Give `dataDir` (and `port`) to start again on the same store. */
export async function startTestService(
  options: Partial<ServiceConfig> & ServiceSurroundings = {},
): Promise<TestService> {
  const { now, bodyTimeoutMs, issuerTimeoutMs, ...config } = options;
  const dataDir = config.dataDir ?? join(await temporaryFolder(), 'data');
  const log: string[] = [];
  const service = await startService(
    { port: 0, host: 'localhost', pageDir: await stubPage(), ...config, dataDir },
    {
      log: (line) => log.push(line),
      ...(now === undefined ? {} : { now }),
      ...(bodyTimeoutMs === undefined ? {} : { bodyTimeoutMs }),
      ...(issuerTimeoutMs === undefined ? {} : { issuerTimeoutMs }),
    },
  );
  const { url: origin, port, apiUrl } = service;
  const close = async (): Promise<void> => {
    if (running.delete(close)) await service.close();
  };
  running.add(close);
  return {
    ...{ url: `http://localhost:${port}`, origin, apiUrl, dataDir, log, close },
    rpId: config.rpId ?? new URL(origin).hostname,
    ...(await firstAdmin(dataDir)),
  };
}

let bundlesOfThisRun: Promise<string> | undefined;

/** Starts the built service as a process of its own. */
export async function spawnTestService(
  options: {
    readonly dataDir?: string;
    readonly port?: number;
    readonly pageDir?: string;
    readonly args?: readonly string[];
    /** Shell commands before it, such as `ulimit -f 100`. */
    readonly before?: string;
  } = {},
): Promise<ServiceProcess> {
  const dataDir = options.dataDir ?? join(await temporaryFolder(), 'data');
  bundlesOfThisRun ??= builtBundles();
  const bundles = await bundlesOfThisRun;
  const command = [
    process.execPath,
    join(bundles, 'service.js'),
    ...['--port', String(options.port ?? 0), '--data', dataDir],
    ...(options.pageDir === undefined ? [] : ['--page-dir', options.pageDir]),
    ...(options.args ?? []),
  ];
  const child = spawn('/bin/sh', ['-c', `${options.before ?? ':'}; exec "$@"`, 'sh', ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Halves the time of the start, which the crash test pays fifty times.
    env: { ...process.env, NODE_COMPILE_CACHE: join(bundles, 'compile-cache') },
  });
  const end = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  running.add(end);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  void ended.then(() => running.delete(end));
  const log: string[] = [];
  const url = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const found = /listens on (\S+)\n/.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => log.push(chunk));
    void ended.then(() => reject(new Error(`The service did not start: ${text}${log.join('')}`)));
  });
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  return {
    ...{ url, origin: url, dataDir, log, child, kill },
    apiUrl: `${url}/api`,
    rpId: new URL(url).hostname,
    ...(await firstAdmin(dataDir)),
    close: () => kill('SIGTERM'),
  };
}

async function firstAdmin(dataDir: string): Promise<Pick<TestService, 'adminKey' | 'inviteUrl'>> {
  const text = await readFile(join(dataDir, 'first-admin.json'), 'utf8');
  const first = JSON.parse(text) as { api_key: string; invite_url: string };
  return { adminKey: first.api_key, inviteUrl: first.invite_url };
}

/** Members of all answers together: a test looks at those that its call has. */
export interface AnswerBody {
  readonly id: string;
  readonly url: string;
  readonly payloadHash: string;
  readonly nonce: string;
  readonly status: string;
  readonly expiresAt: string;
  readonly createdAt: string;
  readonly decidedAt: string;
  readonly decideBy: string;
  readonly redeemedAt: string;
  readonly action: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly rawAssertion: Readonly<Record<string, unknown>>;
  readonly credentialIds: readonly string[];
  readonly lastDeploy: Pick<AnswerBody, 'payload' | 'payloadHash' | 'redeemedAt'>;
  readonly attested: Readonly<Record<string, unknown>>;
  readonly username: string;
  readonly algorithm: string;
  readonly sha256: string;
  readonly key: string;
  readonly code: string;
  readonly registerUrl: string;
  readonly message: string;
  readonly problems: readonly { readonly field: string; readonly message: string }[];
  readonly passkeys: readonly Readonly<Record<string, string>>[];
  readonly repositories: readonly Readonly<Record<string, unknown>>[];
  readonly items: readonly AnswerBody[];
  readonly version: number;
  readonly challenge: string;
  readonly user: { readonly id: string; readonly name: string };
}

export interface Answer {
  readonly status: number;
  readonly body: AnswerBody;
  readonly headers: Headers;
}

export interface CallOptions {
  readonly method?: string;
  readonly key?: string;
  /** An ID token, in place of a key. */
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** One call of the API or the page API, by its path from the origin. A body is sent as JSON, a string as it is. */
export async function call(
  service: Pick<TestService, 'url'>,
  path: string,
  options: CallOptions = {},
): Promise<Answer> {
  const { body, key, token, signal } = options;
  const response = await fetch(`${service.url}${path}`, {
    method: options.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(key === undefined ? {} : { 'x-api-key': key }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    redirect: 'manual',
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  return {
    status: response.status,
    body: (isJson && text !== '' ? JSON.parse(text) : text) as AnswerBody,
    headers: response.headers,
  };
}

/** As the page's own script calls. */
export function callPage(
  service: Pick<TestService, 'url'>,
  path: string,
  options: CallOptions & { readonly cookie?: string } = {},
): Promise<Answer> {
  const { cookie, ...rest } = options;
  return call(service, path, {
    ...rest,
    headers: {
      'sec-fetch-site': 'same-origin',
      ...(cookie === undefined ? {} : { cookie }),
      ...options.headers,
    },
  });
}

/** The body of an answer that must have this status. */
export async function expectStatus(answer: Promise<Answer>, status: number): Promise<AnswerBody> {
  const { status: found, body } = await answer;
  if (found !== status) throw new Error(`${found}, not ${status}: ${JSON.stringify(body)}`);
  return body;
}

export interface Scope {
  readonly repositories: readonly string[];
  readonly services: readonly string[];
  readonly environments: readonly string[];
}

/** A request key, for everything if no scope is given. */
export async function createKey(service: TestService, scope: Partial<Scope> = {}): Promise<string> {
  const body = {
    note: 'test',
    repositories: ['*'],
    services: ['*'],
    environments: ['*'],
    ...scope,
  };
  const answer = call(service, '/api/keys', { key: service.adminKey, body });
  return (await expectStatus(answer, 201)).key;
}

/** The code of a new invite. */
export async function createInvite(
  service: TestService,
  options: { readonly maxUses?: number; readonly username?: string } = {},
): Promise<string> {
  const body = { note: 'test', maxUses: 1, ...options };
  const answer = call(service, '/api/invites', { key: service.adminKey, body });
  return (await expectStatus(answer, 201)).code;
}

/** Somebody with a passkey in software. */
export interface Person {
  readonly username: string;
  readonly passkey: TestPasskey;
  /** The authenticator's counter: grows with each signature. */
  signCount: number;
}

/** Enrols a passkey through the page API, by a new invite unless a code is given. */
export async function enrol(
  service: TestService,
  username: string,
  options: {
    readonly algorithm?: Algorithm;
    readonly code?: string;
    readonly cookie?: string;
    /** The flags byte of the registration; 0x45 if not given. */
    readonly flags?: number;
  } = {},
): Promise<Person> {
  const invite = { code: options.code ?? (await createInvite(service)), username };
  const as = options.cookie === undefined ? {} : { cookie: options.cookie };
  const begun = callPage(service, '/page/enrolments', { body: invite, ...as });
  const { challenge, user } = await expectStatus(begun, 200);
  const made = createPasskey(options.algorithm);
  const passkey = { ...made, pinned: { ...made.pinned, user_handle: user.id } };
  const { origin, rpId } = service;
  const flags = options.flags ?? 0x45;
  const response = makeRegistration({ passkey, challenge, origin, rpId, flags });
  const finish = { body: { ...invite, response }, ...as };
  await expectStatus(callPage(service, '/page/enrolments/finish', finish), 200);
  return { username, passkey, signCount: 0 };
}

/** Signs in by passkey; the cookie as it goes into a request. */
export async function signIn(service: TestService, person: Person): Promise<string> {
  const begun = callPage(service, '/page/sign-in/options', { body: {} });
  const { challenge } = await expectStatus(begun, 200);
  person.signCount += 1;
  const assertion = makeAssertion({
    passkey: person.passkey,
    challenge: Buffer.from(challenge, 'base64url'),
    origin: service.origin,
    rpId: service.rpId,
    signCount: person.signCount,
  });
  const answer = await callPage(service, '/page/sign-in', { body: { assertion } });
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  return answer.headers.get('set-cookie')?.split(';')[0] ?? '';
}

/** What the page sends when this person presses a button. */
export async function decisionBody(
  service: TestService,
  id: string,
  person: Person,
  decision: 'approved' | 'rejected' = 'approved',
): Promise<object> {
  const shown = callPage(service, `/page/confirmations/${id}`);
  const { nonce, payloadHash } = await expectStatus(shown, 200);
  const challengeOf = decision === 'approved' ? approvalChallenge : rejectionChallenge;
  person.signCount += 1;
  const assertion = makeAssertion({
    passkey: person.passkey,
    challenge: challengeOf(Buffer.from(nonce, 'base64url'), payloadHash),
    origin: service.origin,
    rpId: service.rpId,
    signCount: person.signCount,
  });
  return { decision, assertion };
}

/** A person's decision, signed; the page API's answer. */
export async function decide(
  service: TestService,
  id: string,
  person: Person,
  decision: 'approved' | 'rejected' = 'approved',
): Promise<Answer> {
  const body = await decisionBody(service, id, person, decision);
  return callPage(service, `/page/confirmations/${id}/decision`, { body });
}

/** A payload that is valid now, or at another moment; unlike every other one. */
export function currentPayload(
  facts: Partial<DeployFacts> = {},
  options: { readonly now?: number; readonly validMs?: number; readonly requestId?: string } = {},
): ApprovalPayload {
  const now = options.now ?? Date.now();
  return buildPayload({
    facts: { ...exampleFacts(), ...facts },
    requestId: options.requestId ?? randomBytes(16).toString('hex'),
    requestedAt: now,
    expiresAt: now + (options.validMs ?? 3_600_000),
  });
}

/** The body of `POST /api/confirmations`. */
export function createBody(username: string, payload: ApprovalPayload): object {
  return { username, action: payloadAction(payload.facts), payload };
}

/** Puts a payload to a person: `{id, url, payloadHash, expiresAt, nonce}`. */
export function requestApproval(
  service: TestService,
  o: {
    readonly key: string;
    readonly username: string;
    readonly payload?: ApprovalPayload;
    readonly idempotencyKey?: string;
  },
): Promise<Answer> {
  const { key, username, payload = currentPayload(), idempotencyKey } = o;
  return call(service, '/api/confirmations', {
    key,
    body: createBody(username, payload),
    ...(idempotencyKey === undefined ? {} : { headers: { 'idempotency-key': idempotencyKey } }),
  });
}

/** The body of `POST /api/redemptions` by the run of {@link exampleFacts}, as a verify process of its own. */
export function redemptionBody(payloadHash: string, overrides: object = {}) {
  const { run_id: runId, run_attempt: runAttempt } = exampleFacts();
  const redemptionKey = randomBytes(32).toString('base64url');
  return { payloadHash, redemptionKey, runId, runAttempt, job: 'deploy', ...overrides };
}

/** Uses an approval up. */
export function redeem(
  service: TestService,
  o: { readonly key: string; readonly body: object },
): Promise<Answer> {
  return call(service, '/api/redemptions', o);
}
