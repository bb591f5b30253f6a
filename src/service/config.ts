import { isIP } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Fault } from '../core/fault.ts';
import { tokenProviders, type TokenIssuer } from '../core/identity.ts';
import { reasonOf } from '../core/reason.ts';
import { visible } from '../core/text.ts';

export interface ServiceConfig {
  /** 0 takes any free port. */
  readonly port: number;
  readonly host: string;
  /** The one folder with the store and the first admin file. */
  readonly dataDir: string;
  /** Where people and gates reach the service; `http://localhost:PORT` if absent. */
  readonly origin?: string;
  /** The relying party of the passkeys; the origin's host if absent. */
  readonly rpId?: string;
  /** Whose ID tokens of CI jobs are believed; those of github.com and gitlab.com if absent. */
  readonly oidcIssuers?: readonly TokenIssuer[];
  readonly notifyUrl?: string;
  /** The built approval page. */
  readonly pageDir: string;
}

const flags = {
  port: { type: 'string' },
  host: { type: 'string' },
  data: { type: 'string' },
  origin: { type: 'string' },
  'rp-id': { type: 'string' },
  'oidc-issuer': { type: 'string', multiple: true },
  'notify-url': { type: 'string' },
  'page-dir': { type: 'string' },
} as const;
type Flag = keyof typeof flags;

/** Variables of the same prefix that belong to the other commands and may stand in the same shell. */
const variablesOfOtherCommands = new Set([
  // What the gate reads,
  ...['API_KEY', 'API_URL', 'ID_TOKEN', 'POLICY', 'RUN_ID', 'RUN_ATTEMPT', 'JOB', 'REF'],
  // and what `deploy-warrant run` tells its command, which may be to deploy this service.
  ...['SERVICE', 'ENVIRONMENT', 'REGION', 'ACCOUNT', 'TENANT', 'CLUSTER', 'REPOSITORY', 'COMMIT'],
  ...['DIGEST', 'ROLLBACK_KIND', 'ROLLBACK_VALUE', 'MIGRATION_COMMAND', 'APPROVAL_ID'],
  ...['APPROVERS', 'PAYLOAD_HASH', 'FINGERPRINT', 'RECORD_PATH'],
]);
const prefix = 'DEPLOY_WARRANT_';

/**
 * The configuration from flags, then `DEPLOY_WARRANT_…` variables, then defaults.
 * @throws Fault `configuration` for an unknown flag or variable and for a bad value
 */
export function parseServiceConfig(o: {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}): ServiceConfig {
  const given = { ...readVariables(o.env), ...readFlags(o.args) };
  const origin = given.origin === undefined ? undefined : parseOrigin(given.origin);
  const rpId = given['rp-id'];
  if (rpId !== undefined) checkRpId(rpId, origin ?? 'http://localhost');
  return {
    port: parsePort(given.port ?? '8080'),
    host: given.host ?? 'localhost',
    dataDir: given.data ?? 'deploy-warrant-data',
    ...(origin === undefined ? {} : { origin }),
    ...(rpId === undefined ? {} : { rpId }),
    ...(given['oidc-issuer'] === undefined
      ? {}
      : { oidcIssuers: parseIssuers(given['oidc-issuer']) }),
    ...(given['notify-url'] === undefined
      ? {}
      : { notifyUrl: parseNotifyUrl(given['notify-url']) }),
    pageDir: given['page-dir'] ?? builtPage(),
  };
}

function readFlags(args: readonly string[]): Partial<Record<Flag, string>> {
  try {
    const { values } = parseArgs({ args: [...args], options: flags, strict: true });
    const texts = Object.entries(values).map(([name, value]) => [name, String(value)] as const);
    for (const [name, text] of texts) refuseEmpty(`--${name}`, text);
    return Object.fromEntries(texts);
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault(
      'configuration',
      `${reasonOf(error)}\nThe flags of the service are: ${Object.keys(flags)
        .map((name) => `--${name}`)
        .join(' ')}`,
    );
  }
}

function readVariables(
  env: Readonly<Record<string, string | undefined>>,
): Partial<Record<Flag, string>> {
  const known = new Map(
    Object.keys(flags).map((name) => [name.toUpperCase().replaceAll('-', '_'), name as Flag]),
  );
  const values: Partial<Record<Flag, string>> = {};
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith(prefix) || value === undefined) continue;
    const name = variable.slice(prefix.length);
    const flag = known.get(name);
    if (flag !== undefined) {
      refuseEmpty(variable, value);
      values[flag] = value;
    } else if (!variablesOfOtherCommands.has(name)) {
      throw new Fault(
        'configuration',
        `The variable ${visible(variable)} is not known. The service reads: ${[...known.keys()]
          .map((key) => prefix + key)
          .join(' ')}. Correct the name, or unset it.`,
      );
    }
  }
  return values;
}

function refuseEmpty(name: string, value: string): void {
  if (value.trim() === '') {
    throw new Fault('configuration', `${name} is empty. Give it a value, or leave it out.`);
  }
}

function parsePort(text: string): number {
  const port = /^(0|[1-9]\d{0,4})$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) {
    throw new Fault(
      'configuration',
      `The port "${visible(text)}" is not a whole number from 0 to 65535.`,
    );
  }
  return port;
}

function parseUrl(name: string, text: string): URL {
  if (!URL.canParse(text)) {
    throw new Fault('configuration', `${name} is not a URL: "${visible(text)}".`);
  }
  const url = new URL(text);
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    throw new Fault('configuration', `${name} must hold no user name, password or fragment.`);
  }
  return url;
}

/** Passkeys work in secure contexts only: https, or http on localhost (WebAuthn Level 3 section 5.1.3; Secure Contexts 3.1). */
function parseOrigin(text: string): string {
  const url = parseUrl('--origin', text);
  if (text !== url.origin) {
    throw new Fault(
      'configuration',
      `--origin is scheme, host and port and nothing else, for example https://approve.example.com, not "${visible(text)}".`,
    );
  }
  const secure =
    url.protocol === 'https:' || (url.protocol === 'http:' && isLocalhost(url.hostname));
  if (!secure) {
    throw new Fault(
      'configuration',
      `--origin must be https, or http on localhost, because passkeys work nowhere else: "${visible(text)}".`,
    );
  }
  if (isIP(url.hostname.replace(/^\[|\]$/g, '')) !== 0) {
    throw new Fault(
      'configuration',
      `--origin must have a host name: passkeys can't be made for the address "${visible(url.hostname)}".`,
    );
  }
  return text;
}

function checkRpId(rpId: string, origin: string): void {
  const host = new URL(origin).hostname;
  const isName = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(rpId);
  const isSuffix = host === rpId || host.endsWith(`.${rpId}`);
  if (!isName || !isSuffix || (rpId !== 'localhost' && !rpId.includes('.'))) {
    throw new Fault(
      'configuration',
      `--rp-id must be the origin's host "${visible(host)}" or a domain it lies in, not "${visible(rpId)}".`,
    );
  }
}

/** `PROVIDER=URL`, several by commas: the provider says how its tokens are read, and where its keys are. */
function parseIssuers(text: string): readonly TokenIssuer[] {
  const issuers = text.split(',').map((part) => {
    const [, name, issuer = ''] = /^([a-z]+)=(.*)$/.exec(part) ?? [];
    const provider = tokenProviders.find((one) => one === name);
    if (provider === undefined) {
      throw new Fault(
        'configuration',
        `--oidc-issuer is PROVIDER=URL with one of the providers ${tokenProviders.join(' and ')}, for example github=https://token.actions.githubusercontent.com, not "${visible(part)}".`,
      );
    }
    const url = parseUrl('--oidc-issuer', issuer);
    // As its tokens say it, to the letter.
    if (!issuer.startsWith(url.origin) || issuer.endsWith('/') || url.search !== '') {
      throw new Fault(
        'configuration',
        `--oidc-issuer is the issuer as its tokens say it, without a slash or a query at the end, not "${visible(issuer)}".`,
      );
    }
    if (!isSecure(url)) {
      throw new Fault(
        'configuration',
        `--oidc-issuer must be https, or http to this machine, not "${visible(issuer)}".`,
      );
    }
    return { provider, issuer };
  });
  const [twice] = issuers.filter(
    ({ issuer }, index) => issuers.findIndex((one) => one.issuer === issuer) !== index,
  );
  if (twice === undefined) return issuers;
  throw new Fault('configuration', `--oidc-issuer names ${visible(twice.issuer)} twice.`);
}

/** The address of a webhook holds a secret as a rule: it is never repeated in a message. */
function parseNotifyUrl(text: string): string {
  if (!URL.canParse(text)) throw new Fault('configuration', '--notify-url is not a URL.');
  const url = parseUrl('--notify-url', text);
  if (!isSecure(url)) {
    throw new Fault('configuration', '--notify-url must be https, or http to this machine.');
  }
  return text;
}

/** https, or http to this machine. */
function isSecure({ protocol, hostname }: URL): boolean {
  const loopback =
    isLocalhost(hostname) || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
  return protocol === 'https:' || (protocol === 'http:' && loopback);
}

function isLocalhost(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost');
}

/** Beside the bundle; when the sources run, where the build puts it. */
function builtPage(): string {
  const here = fileURLToPath(import.meta.url);
  return here.endsWith('.ts') ? join(here, '../../../dist/page') : join(here, '../page');
}
