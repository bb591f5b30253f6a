/** The built service as a process of its own, with people who have passkeys, and requests put to them. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, request as send } from 'node:http';
import { join } from 'node:path';
import {
  createBody,
  createKey,
  currentPayload,
  enrol,
  type Person,
  type TestService,
} from '../../__tests__/support/service.ts';
import { makeAssertion } from '../../__tests__/support/authenticator.ts';
import { approvalChallenge } from '../../src/core/challenge.ts';

/** The service asks one person at most 60 times a minute, and takes 300 requests of one key. */
const requestsPerPerson = 50;
const peoplePerKey = 5;

interface BenchPerson extends Person {
  /** Who asks this person; the service's first key if absent. */
  readonly requestKey?: string;
}

export interface Asked {
  readonly id: string;
  readonly nonce: string;
  readonly payloadHash: string;
  readonly person: Person;
}

export interface BenchService extends TestService {
  /** Milliseconds from its start until it listened. */
  readonly startMs: number;
  readonly requestKey: string;
  /** Bytes of memory that its process holds; `undefined` where the system does not say. */
  readonly residentBytes: () => number | undefined;
}

/** Starts `service.js` of `bundles` on the store in `dataDir`. */
export async function startBenchService(o: {
  readonly bundles: string;
  readonly dataDir: string;
}): Promise<BenchService> {
  const begun = performance.now();
  const child = spawn(
    process.execPath,
    [join(o.bundles, 'service.js'), '--port', '0', '--data', o.dataDir],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: process.env.PATH } },
  );
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const found = /listens on (\S+)\n/.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    });
    void ended.then(() => reject(new Error('The service did not start.')));
  });
  const startMs = performance.now() - begun;
  const first = JSON.parse(readFileSync(join(o.dataDir, 'first-admin.json'), 'utf8')) as {
    readonly api_key: string;
    readonly invite_url: string;
  };
  const service: TestService = {
    ...{ url, origin: url, apiUrl: `${url}/api`, rpId: new URL(url).hostname },
    ...{ dataDir: o.dataDir, log: [], adminKey: first.api_key, inviteUrl: first.invite_url },
    close: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
  return {
    ...service,
    startMs,
    requestKey: await createKey(service),
    residentBytes: () => residentBytes(child.pid),
  };
}

/** As many people as may be asked `requests` times in one minute. */
export async function enrolPeople(
  service: TestService,
  requests: number,
): Promise<readonly BenchPerson[]> {
  const people: BenchPerson[] = [];
  const stem = randomBytes(4).toString('hex');
  for (let n = 0; n < Math.ceil(requests / requestsPerPerson); n += 1) {
    const requestKey =
      n % peoplePerKey === 0 ? await createKey(service) : people.at(-1)!.requestKey!;
    people.push({ ...(await enrol(service, `person-${stem}-${n}`)), requestKey });
  }
  return people;
}

/** A request of a target of its own to each person in turn, `index` says which. */
export async function ask(
  service: BenchService,
  people: readonly BenchPerson[],
  index: number,
): Promise<Asked> {
  const person = people[index % people.length]!;
  const payload = currentPayload({ region: `r${randomBytes(8).toString('hex')}` });
  const { id, nonce, payloadHash } = await post(service, '/api/confirmations', {
    body: createBody(person.username, payload),
    key: person.requestKey ?? service.requestKey,
  });
  return { id: id!, nonce: nonce!, payloadHash: payloadHash!, person };
}

/** What the page sends when the person approves; made beforehand, so that the passkey's part is not measured. */
export function decisionOf(service: TestService, asked: Asked): object {
  const assertion = makeAssertion({
    passkey: asked.person.passkey,
    challenge: approvalChallenge(Buffer.from(asked.nonce, 'base64url'), asked.payloadHash),
    origin: service.origin,
    rpId: service.rpId,
  });
  return { decision: 'approved', assertion };
}

export async function decide(service: TestService, asked: Asked, body: object): Promise<void> {
  await post(service, `/page/confirmations/${asked.id}/decision`, { body });
}

const agent = new Agent({ keepAlive: true });

/** A plain POST over connections that stay open; lighter than `fetch`, which would be measured with it. */
function post(
  service: Pick<TestService, 'url' | 'origin'>,
  path: string,
  o: { readonly body: object; readonly key?: string },
): Promise<Readonly<Record<string, string>>> {
  return new Promise((resolve, reject) => {
    const request = send(`${service.url}${path}`, {
      method: 'POST',
      agent,
      headers: {
        'content-type': 'application/json',
        ...(o.key === undefined
          ? { 'sec-fetch-site': 'same-origin', origin: service.origin }
          : { 'x-api-key': o.key }),
      },
    });
    request.once('error', reject);
    request.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.once('end', () => {
        const status = response.statusCode ?? 0;
        if (status >= 300) reject(new Error(`${path} answered ${status}: ${text}`));
        else resolve(JSON.parse(text) as Record<string, string>);
      });
    });
    request.end(JSON.stringify(o.body));
  });
}

/** Runs `work` for 0 to `count - 1`, `atOnce` of them at a time. @returns the milliseconds it took */
export async function inParallel(
  count: number,
  atOnce: number,
  work: (index: number) => Promise<void>,
): Promise<number> {
  const begun = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < count) await work(next++);
    }),
  );
  return performance.now() - begun;
}

function residentBytes(pid: number | undefined): number | undefined {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}
