import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { Fault } from '../core/fault.ts';
import { visible } from '../core/text.ts';

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};

interface Asset {
  readonly contentType: string;
  readonly bytes: Buffer;
}

/**
 * Serves the built page. It is read once: what is served is what was there at the start, and no path of a request ever
 * reaches the file system.
 * @throws Fault `configuration`
 */
export function addStaticPage(app: FastifyInstance, pageDir: string): void {
  const assets = readAssets(pageDir);
  const index = assets.get('index.html');
  if (index === undefined) {
    throw new Fault(
      'configuration',
      `There is no approval page in "${visible(pageDir)}". Build it with "npm run build", or name its folder with --page-dir.`,
    );
  }
  for (const path of ['/', '/approve/:id', '/enrol/:code']) {
    app.get(path, async (_request, reply) => reply.type(index.contentType).send(index.bytes));
  }
  for (const [name, { contentType, bytes }] of assets) {
    app.get(`/page/${name}`, async (_request, reply) => reply.type(contentType).send(bytes));
  }
}

function readAssets(pageDir: string): ReadonlyMap<string, Asset> {
  const assets = new Map<string, Asset>();
  let names: readonly string[];
  try {
    names = readdirSync(pageDir);
  } catch {
    return assets;
  }
  for (const name of names) {
    const contentType = contentTypes[extname(name)];
    if (contentType === undefined) continue;
    assets.set(name, { contentType, bytes: readFileSync(join(pageDir, name)) });
  }
  return assets;
}
