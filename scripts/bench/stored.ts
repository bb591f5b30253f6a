/** What should not grow with what is stored: a store that holds the requests of years beside one just begun, in turns. */
import {
  call,
  callPage,
  expectStatus,
  signIn,
  type Person,
} from '../../__tests__/support/service.ts';
import { median, type Figure, type Unit } from './figures.ts';
import { measureRates } from './load.ts';
import type { Sizes } from './options.ts';
import { pastTarget, storeRequests } from './past.ts';
import { enrolPeople, type BenchService } from './service.ts';
import { measureWakeUps } from './wake-up.ts';

type StoredSizes = Pick<
  Sizes,
  'requests' | 'waiters' | 'wakeUps' | 'wakeUpGapMs' | 'stored' | 'rounds'
>;

type Round = 'creates' | 'decisions' | 'signIn' | 'list' | 'lastDeploy';
type Daily = Record<Round | 'p50' | 'p99', number>;

const dailyFigures: readonly { key: keyof Daily; what: string; unit: Unit }[] = [
  { key: 'creates', what: 'Requests taken', unit: 'per second' },
  { key: 'decisions', what: 'Decisions taken', unit: 'per second' },
  { key: 'p50', what: 'Wake-up from the decision sent, p50', unit: 'ms' },
  { key: 'p99', what: 'Wake-up from the decision sent, p99', unit: 'ms' },
  { key: 'signIn', what: 'Signing in', unit: 'ms' },
  { key: 'list', what: "A person's list", unit: 'ms' },
  { key: 'lastDeploy', what: 'The last deploy of a target', unit: 'ms' },
];

interface Store {
  readonly service: BenchService;
  readonly people: readonly Person[];
  readonly rounds: Record<Round, number[]>;
}

/** @param start starts a service on the store of this name */
export async function measureStored(
  start: (name: string) => Promise<BenchService>,
  sizes: StoredSizes,
): Promise<Figure[]> {
  const before = await start('full');
  const regulars = await enrolPeople(before, sizes.requests);
  await before.close();
  storeRequests(before.dataDir, regulars, sizes.stored);

  const [full, empty] = [await start('full'), await start('empty')];
  const stores: Record<'full' | 'empty', Store> = {
    // They have a past.
    full: { service: full, people: regulars, rounds: emptyRounds() },
    empty: {
      service: empty,
      people: await enrolPeople(empty, sizes.requests),
      rounds: emptyRounds(),
    },
  };
  const requests = Math.ceil(sizes.requests / sizes.rounds);
  for (let round = 0; round < sizes.rounds; round += 1) {
    for (const store of [stores.empty, stores.full]) await measureRound(store, requests, round);
  }
  const [fullDaily, emptyDaily] = await Promise.all([
    conclude(stores.full, sizes),
    conclude(stores.empty, sizes),
  ]);
  const among = `with ${sizes.stored.toLocaleString('en-US')} stored`;
  return [
    ...dailyFigures.map(({ key, what, unit }) => ({
      what: `${what}, ${among}`,
      value: fullDaily[key],
      unit,
      beside: { what: 'just begun', value: emptyDaily[key] },
    })),
    {
      what: `Start of the service, ${among}`,
      value: full.startMs,
      unit: 'ms',
      beside: { what: 'just begun', value: empty.startMs },
    },
  ];
}

const emptyRounds = (): Store['rounds'] => ({
  creates: [],
  decisions: [],
  signIn: [],
  list: [],
  lastDeploy: [],
});

async function measureRound(store: Store, requests: number, round: number): Promise<void> {
  const { service, people, rounds } = store;
  const rates = await measureRates(service, people, requests);
  rounds.creates.push(rates.creates);
  rounds.decisions.push(rates.decisions);
  const person = people[round % people.length]!;
  const begun = performance.now();
  // The software passkeys count nothing, so that one person can decide much at once.
  const cookie = await signIn(service, { ...person, signCount: -1 });
  rounds.signIn.push(performance.now() - begun);
  const asked = performance.now();
  await expectStatus(callPage(service, '/page/waiting', { cookie }), 200);
  rounds.list.push(performance.now() - asked);
  const { repository, repository_id: repositoryId, environment } = pastTarget;
  const query = new URLSearchParams({
    repository,
    repositoryId,
    environment,
    service: 'service-7',
  });
  const looked = performance.now();
  await expectStatus(
    call(service, `/api/deploys/latest?${query}`, { key: service.requestKey }),
    200,
  );
  rounds.lastDeploy.push(performance.now() - looked);
}

/** Both at once, so that both have the same machine. */
async function conclude({ service, rounds }: Store, sizes: StoredSizes): Promise<Daily> {
  const waiters = sizes.waiters[0] ?? 0;
  const { sent } = await measureWakeUps(service, await enrolPeople(service, waiters), {
    ...{ waiters, wakeUps: sizes.wakeUps, gapMs: sizes.wakeUpGapMs },
  });
  return {
    creates: median(rounds.creates),
    decisions: median(rounds.decisions),
    signIn: median(rounds.signIn),
    list: median(rounds.list),
    lastDeploy: median(rounds.lastDeploy),
    ...sent,
  };
}
