/** The real service as a child process of the built bundle, and the calls of its administration. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startCommand } from './processes.ts';

export interface RunningService {
  /** Such as `http://localhost:41923`. */
  readonly origin: string;
  readonly apiUrl: string;
  readonly adminKey: string;
  /** Where the first approver makes a passkey. */
  readonly inviteUrl: string;
  readonly stop: () => Promise<void>;
}

/** Starts `service.js` of the folder `bundles` on any free port with an empty store in the folder `data`. */
export async function startService(o: {
  readonly bundles: string;
  readonly data: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}): Promise<RunningService> {
  const listening = Promise.withResolvers<string>();
  const { result, stop } = startCommand({
    command: process.execPath,
    args: [join(o.bundles, 'service.js'), '--port', '0', '--data', o.data],
    cwd: o.bundles,
    env: o.env,
    onLine: (line) => {
      const origin = /listens on (http:\/\/localhost:\d+)/.exec(line)?.[1];
      if (origin !== undefined) listening.resolve(origin);
    },
  });
  result.then(({ exitCode, stdout, stderr }) => {
    listening.reject(new Error(`The service ended with ${exitCode}:\n${stdout}${stderr}`));
  }, listening.reject);
  const origin = await listening.promise;
  const first = JSON.parse(await readFile(join(o.data, 'first-admin.json'), 'utf8')) as {
    readonly api_key: string;
    readonly invite_url: string;
    readonly api_url: string;
  };
  return {
    origin,
    apiUrl: first.api_url,
    adminKey: first.api_key,
    inviteUrl: first.invite_url,
    stop,
  };
}

/** A connection that is kept may be closed in the very moment in which it is used again, and a call is not made twice. */
export const ownConnection = { connection: 'close' };

/** One call of the service's API. @throws Error with status and body unless the answer is 2xx */
export async function callApi<T>(o: {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}): Promise<T> {
  const response = await fetch(`${o.apiUrl}${o.path}`, {
    method: o.method ?? 'GET',
    headers: {
      'x-api-key': o.apiKey,
      'content-type': 'application/json',
      ...ownConnection,
      ...o.headers,
    },
    ...(o.body === undefined ? {} : { body: JSON.stringify(o.body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${o.path} answered ${response.status}: ${text}`);
  return JSON.parse(text) as T;
}

/** An invite for one more person: the address of the page where they make a passkey. */
export async function invite(service: RunningService, note: string): Promise<string> {
  const { registerUrl } = await callApi<{ registerUrl: string }>({
    apiUrl: service.apiUrl,
    apiKey: service.adminKey,
    method: 'POST',
    path: '/invites',
    body: { note, maxUses: 1 },
  });
  return registerUrl;
}

/** A key that can ask, read, withdraw and redeem, and never decide. */
export async function createKey(
  service: RunningService,
  scope: { readonly repositories: readonly string[]; readonly environments: readonly string[] },
): Promise<string> {
  const { key } = await callApi<{ key: string }>({
    apiUrl: service.apiUrl,
    apiKey: service.adminKey,
    method: 'POST',
    path: '/keys',
    body: { note: 'deploy job', services: ['*'], ...scope },
  });
  return key;
}

export interface Passkey {
  readonly username: string;
  readonly id: string;
  readonly algorithm: string;
  readonly publicKey: string;
  readonly userHandle: string;
  readonly sha256: string;
}

export async function listPasskeys(service: RunningService): Promise<readonly Passkey[]> {
  const { passkeys } = await callApi<{ passkeys: readonly Passkey[] }>({
    apiUrl: service.apiUrl,
    apiKey: service.adminKey,
    path: '/passkeys',
  });
  return passkeys;
}
