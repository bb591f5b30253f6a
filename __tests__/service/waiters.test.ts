import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from '@jest/globals';
import { fastify } from 'fastify';
import { goneSignal } from '../../src/service/http.ts';
import { Waiters } from '../../src/service/waiters.ts';

const app = fastify();
afterAll(() => app.close());

function until(waiters: Waiters, o: Partial<Parameters<Waiters['until']>[0]> = {}) {
  return waiters.until({
    topic: 'a',
    read: () => 'same',
    isNews: () => false,
    wakeAt: () => Number.POSITIVE_INFINITY,
    now: Date.now,
    waitMs: 30_000,
    gone: new AbortController().signal,
    ...o,
  });
}

test('a client that goes away leaves no waiter behind', async () => {
  const waiters = new Waiters();
  app.get('/wait', (_request, reply) => until(waiters, { gone: goneSignal(reply) }));
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as { port: number };
  const client = request({ port, host: '127.0.0.1', path: '/wait' });
  client.on('error', () => undefined);
  client.end();
  while (waiters.count === 0) await sleep(10);
  expect(waiters.count).toBe(1);
  client.destroy();
  for (let tries = 0; waiters.count > 0 && tries < 100; tries += 1) await sleep(10);
  expect(waiters.count).toBe(0);
});

test('only the sleepers of a topic are woken, and they look again', async () => {
  const waiters = new Waiters();
  let value = 'old';
  let reads = 0;
  const read = () => {
    reads += 1;
    return value;
  };
  const news = until(waiters, { read, isNews: (found) => found === 'new' });
  waiters.wake(['b']);
  await sleep(20);
  expect(reads).toBe(1);
  waiters.wake(['a']);
  await sleep(20);
  expect([reads, waiters.count]).toEqual([2, 1]);
  value = 'new';
  waiters.wake(['a']);
  expect(await news).toBe('new');
  expect(waiters.count).toBe(0);
});

test('a clock that stands still or goes back keeps nobody waiting longer', async () => {
  const waiters = new Waiters();
  let clock = 1_000_000;
  const now = () => (clock -= 60_000);
  expect(await until(waiters, { now, waitMs: 50, wakeAt: () => 2_000_000 })).toBe('same');
});

test('after closing nobody falls asleep', async () => {
  const waiters = new Waiters();
  const before = until(waiters);
  waiters.close();
  expect(await before).toBe('same');
  expect(await until(waiters)).toBe('same');
  expect(waiters.count).toBe(0);
});
