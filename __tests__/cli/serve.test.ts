import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { builtBundles } from '../support/bundles.ts';
import { removeFolders, temporaryFolder } from '../support/service.ts';

let bundle: string;
let folder: string;
beforeAll(async () => {
  bundle = join(await builtBundles(), 'cli.js');
  folder = await temporaryFolder();
}, 90_000);
afterAll(() => removeFolders());

/** Runs `serve` until it listens, then stops it; what it has printed. */
async function served(data: string): Promise<string> {
  const args = ['serve', '--port', '0', '--data', data];
  const child = spawn(process.execPath, [bundle, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    const listens = text.includes('listens on');
    text += part;
    if (!listens && text.includes('listens on')) child.kill('SIGTERM');
  });
  expect(await ended).toBe(0);
  return text;
}

test('the service tells of its first admin key once: not where there are data already', async () => {
  const data = join(folder, 'data');
  expect(await served(data)).toMatch(
    /^Deploy Warrant listens on http:\/\/localhost:\d+\nThe first admin key and invite are in \S+first-admin\.json \(mode 0600\)\.\n$/,
  );
  expect(await served(data)).toMatch(/^Deploy Warrant listens on http:\/\/localhost:\d+\n$/);
}, 30_000);
