/** Requests of the past, written straight into the tables of a service: a store that has served for years. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Person } from '../../__tests__/support/service.ts';
import { currentPayload } from '../../__tests__/support/service.ts';
import { canonicalText } from '../../src/core/canonical.ts';
import { payloadAction } from '../../src/core/payload.ts';
import { targetOf } from '../../src/service/target.ts';

const dayMs = 86_400_000;
/** What becomes of requests; `pending` ones have expired, which is never written down. */
const fates = [
  ...Array<string>(8).fill('redeemed'),
  'rejected',
  'cancelled',
  'pending',
  'approved',
];

/** What the stored requests were about, each for one of a thousand services. */
export const pastTarget = {
  repository: 'acme/shop',
  repository_id: '123456789',
  environment: 'production',
} as const;

/** Adds `count` requests of the last two years, in one transaction, to the store of a service that is not running. */
export function storeRequests(dataDir: string, people: readonly Person[], count: number): void {
  const path = join(dataDir, 'store.sqlite');
  const database = new DatabaseSync(path);
  try {
    // Nothing here has to survive a crash. The service sets its own way of writing when it opens the store.
    database.exec('pragma journal_mode = off');
    database.exec('pragma synchronous = off');
    database.exec('pragma cache_size = -2000000');
    database.exec('begin immediate');
    const indexes = dropIndexes(database);
    const confirmation = database.prepare(
      `insert into confirmations (id, username, action, payload, payload_hash, scope, target, nonce, status, created_at, expires_at)
        values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    const challenge = database.prepare(
      'insert into challenges (challenge, purpose, subject, expires_at) values (?, ?, ?, ?)',
    );
    const redemption = database.prepare(
      'insert into redemptions (payload_hash, key_hash, run_id, run_attempt, job, redeemed_at, target) values (?, ?, ?, ?, ?, ?, ?)',
    );
    const example = currentPayload();
    const text = canonicalText(example);
    const action = payloadAction(example.facts);
    const scope = canonicalText({ environments: ['*'], repositories: ['*'], services: ['*'] });
    const now = Date.now();
    const step = (2 * 365 * dayMs) / count;
    for (let n = 0; n < count; n += 1) {
      const id = randomUUID();
      const created = Math.floor(now - 2 * dayMs - (count - n) * step);
      const expires = created + 3_600_000;
      const requestId = randomBytes(16).toString('hex');
      const payload = text.replace(example.request_id, requestId);
      const hash = createHash('sha256').update(payload).digest('hex');
      const { username } = people[n % people.length]!;
      const fate = fates[n % fates.length]!;
      // A thousand services, each deployed a thousand times.
      const target = targetOf({ ...pastTarget, service: `service-${n % 1000}` });
      const nonce = randomBytes(32).toString('base64url');
      confirmation.run(
        ...[id, username, action, payload, hash, scope, target, nonce, fate, created, expires],
      );
      for (const [purpose, bytes] of [
        ['approval', 64],
        ['rejection', 96],
      ] as const) {
        challenge.run(randomBytes(bytes).toString('base64url'), purpose, id, expires);
      }
      if (fate === 'redeemed')
        redemption.run(hash, requestId, '1', '1', 'deploy', created + 60_000, target);
    }
    for (const sql of indexes) database.exec(sql);
    database.exec('commit');
  } finally {
    database.close();
  }
  // Or the system would still be writing gigabytes while the service waits for its own few pages.
  const file = openSync(path, 'r+');
  fsyncSync(file);
  closeSync(file);
}

/** Built once over all rows, they are the same and far sooner there. @returns the statements that make them again */
function dropIndexes(database: DatabaseSync): readonly string[] {
  const indexes = database
    .prepare("select name, sql from sqlite_master where type = 'index' and sql is not null")
    .all();
  for (const { name } of indexes) database.exec(`drop index ${String(name)}`);
  return indexes.map(({ sql }) => String(sql));
}
