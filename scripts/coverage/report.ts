/** What the counts in a folder say about the sources as they are now. */
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { instrument } from './instrument.ts';
import type { Counts } from './counts.ts';

export interface RoomCoverage {
  readonly room: string;
  readonly total: number;
  /** One line for each way that no test takes: where, and what kind of branch. */
  readonly missed: readonly string[];
}

/** Branches per room. A count of another state of a source says nothing about this one, and is left out. */
export function measureRooms(folder: string): readonly RoomCoverage[] {
  const counts = sum(folder);
  const rooms = new Map<string, { total: number; missed: string[] }>();
  for (const path of globSync('src/**/*.ts').sort()) {
    const { name, branches } = instrument(readFileSync(path, 'utf8'), path);
    const room = rooms.get(roomOf(path)) ?? { total: 0, missed: [] };
    rooms.set(roomOf(path), room);
    for (const [id, { type, loc, locations }] of Object.entries(branches)) {
      for (const [way, { start }] of locations.entries()) {
        room.total += 1;
        if ((counts.get(`${name} ${id} ${way}`) ?? 0) > 0) continue;
        const line = start.line ?? loc.start.line;
        room.missed.push(`${path}:${line} ${type}, way ${way + 1} of ${locations.length}`);
      }
    }
  }
  return [...rooms].map(([room, of]) => ({ room, ...of })).filter(({ total }) => total > 0);
}

function roomOf(path: string): string {
  const room = dirname(path).replace(/^src\//, '');
  return room === 'service/page' ? room : room.split('/')[0]!;
}

function sum(folder: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const file of readdirSync(folder)) {
    const one = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Counts;
    for (const [name, branches] of Object.entries(one))
      for (const [id, ways] of Object.entries(branches))
        for (const [way, count] of ways.entries()) {
          const key = `${name} ${id} ${way}`;
          counts.set(key, (counts.get(key) ?? 0) + count);
        }
  }
  return counts;
}
