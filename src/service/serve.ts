import type { AddressInfo } from 'node:net';
import { Fault } from '../core/fault.ts';
import { publicIssuers } from '../core/identity.ts';
import { reasonOf } from '../core/reason.ts';
import { visible } from '../core/text.ts';
import { addApiRoutes } from './api-routes.ts';
import type { ServiceConfig } from './config.ts';
import type { Context } from './context.ts';
import { writeFirstAdmin } from './first-admin.ts';
import { addHeaders } from './headers.ts';
import { createHttp } from './http.ts';
import { createIssuers } from './issuers.ts';
import { createNotifier } from './notify.ts';
import { addPageRoutes } from './page-routes.ts';
import { addStaticPage } from './static-page.ts';
import { openStore } from './store.ts';
import { Waiters } from './waiters.ts';

export interface RunningService {
  /** The origin of page and passkeys. */
  readonly url: string;
  /** Where it listens. */
  readonly port: number;
  /** The base for clients, with `/api`. */
  readonly apiUrl: string;
  /** Where the first admin key and invite stand, at the first start only. */
  readonly adminFile?: string;
  /** Answers the long polls, ends the connections, closes the store. */
  readonly close: () => Promise<void>;
}

export interface ServiceSurroundings {
  /** Epoch milliseconds. */
  readonly now?: () => number;
  readonly log?: (line: string) => void;
  /** How long a client may take to send a request. */
  readonly bodyTimeoutMs?: number;
  /** How long the keys of an issuer may take to arrive. */
  readonly issuerTimeoutMs?: number;
}

/** Starts the approval service. @throws Fault `configuration` when folder, page or port can't be used */
export async function startService(
  config: ServiceConfig,
  surroundings: ServiceSurroundings = {},
): Promise<RunningService> {
  const log = surroundings.log ?? ((line) => void process.stderr.write(`${line}\n`));
  const waiters = new Waiters();
  const store = await openStore({
    dataDir: config.dataDir,
    onCommitted: (topics) => waiters.wake(topics),
  });
  const http = createHttp({ bodyTimeoutMs: surroundings.bodyTimeoutMs ?? 10_000, log });
  const now = surroundings.now ?? Date.now;
  let origin = config.origin ?? `http://localhost:${config.port}`;
  const context: Context = {
    store,
    waiters,
    issuers: createIssuers({
      known: config.oidcIssuers ?? publicIssuers,
      now,
      timeoutMs: surroundings.issuerTimeoutMs ?? 5_000,
    }),
    // With port 0 the origin is known when the server listens, before the first request.
    get origin() {
      return origin;
    },
    get rpId() {
      return config.rpId ?? new URL(origin).hostname;
    },
    now,
    log,
    notify: createNotifier(config.notifyUrl, log),
  };
  const close = async (): Promise<void> => {
    waiters.close();
    await http.close();
    store.close();
  };
  try {
    addHeaders(http, () => origin);
    addApiRoutes(http, context);
    addPageRoutes(http, context);
    addStaticPage(http, config.pageDir);
    await http.listen({ port: config.port, host: config.host }).catch((error: unknown) => {
      throw cannotListen(config, error);
    });
    const { port } = http.server.address() as AddressInfo;
    origin = config.origin ?? `http://localhost:${port}`;
    const apiUrl = `${origin}/api`;
    const adminFile = writeFirstAdmin(context, { dataDir: config.dataDir, apiUrl });
    return { url: origin, port, apiUrl, ...(adminFile === undefined ? {} : { adminFile }), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function cannotListen(config: ServiceConfig, error: unknown): Fault {
  return new Fault(
    'configuration',
    `The service can't listen on ${visible(config.host)} port ${config.port}: ${reasonOf(error)}. Choose another with --port and --host.`,
    { cause: error },
  );
}
