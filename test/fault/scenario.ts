import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Logger, pino } from 'pino';
import { expect } from 'vitest';
import type { FeedAccess, Membership } from '../../domain/access.js';
import { events as definitions } from '../../domain/catalogue.js';
import { accessProjection, membershipId } from '../../projections/access/access.js';
import { projections } from '../../projections/catalogue.js';
import { openEventStore, openKeys, openReadStore } from '../../src/adapters.js';
import { Closers } from '../../src/closers.js';
import { loadConfig } from '../../src/config.js';
import type { Codec } from '../../src/event-store/codec.js';
import { createCodec } from '../../src/event-store/event-codec.js';
import type { EventStore, StoredEvent } from '../../src/event-store/port.js';
import { logTexts } from '../../src/event-store/sqlite-log.js';
import { verifyLog } from '../../src/event-store/verify.js';
import { verifyHistory } from '../../src/history/verification.js';
import { startProjector } from '../../src/projector/projector.js';
import type { ReadStore } from '../../src/read-store/port.js';
import { Positions } from '../../src/read-store/positions.js';
import { loadMasterKeys } from '../../src/secrets.js';
import { findDamage } from '../../src/sqlite/inspection.js';
import { CommandLine, type Run } from '../cli/parley.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { checkOrder, checkPosts, checkSubscription, type Examined } from './checkers.js';
import type { Follower, Person } from './clients.js';
import type { History, LoggedEvent, Subscription } from './history.js';

/** What is done before and after servers are broken: people and channels, and the comparison of what all of them know. */

async function post<T>(url: string, path: string, body: unknown, token?: string): Promise<T> {
  const response = await fetch(`${url}/api/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify(body),
  });
  expect(response.ok, await response.clone().text()).toBe(true);
  return (await response.json()) as T;
}

interface LoggedIn {
  readonly user: { readonly id: string };
  readonly accessToken: string;
  readonly refreshToken: string;
}

const password = 'correct horse battery';

function personOf({ user, accessToken, refreshToken }: LoggedIn): Person {
  return { id: user.id, token: accessToken, refreshToken };
}

export async function register(url: string, name: string): Promise<Person> {
  return personOf(await post<LoggedIn>(url, 'auth/register', { email: `${name}@example.org`, name, password }));
}

export async function logIn(url: string, name: string): Promise<Person> {
  return personOf(await post<LoggedIn>(url, 'auth/login', { email: `${name}@example.org`, password }));
}

/** Goes on with a person's session. */
export async function refresh(url: string, person: Person): Promise<void> {
  Object.assign(person, personOf(await post<LoggedIn>(url, 'auth/refresh', { refreshToken: person.refreshToken })));
}

/** A public channel and two private ones, owned by different people. */
export async function openChannels(url: string, people: readonly Person[]): Promise<string[]> {
  const kinds = [
    { name: 'commons', kind: 'public', history: 'since-joined' },
    { name: 'private', kind: 'private', history: 'all' },
    { name: 'secret', kind: 'private', history: 'since-joined' },
  ];
  return Promise.all(
    kinds.map(async (kind, index) => {
      const owner = people[index] as Person;
      const { id } = await post<{ id: string }>(url, 'channels', kind, owner.token);
      const guest = people[index + 1] as Person;
      await post(url, `channels/${id}/members`, { personId: guest.id }, owner.token);
      return id;
    }),
  );
}

/** Resolves once every follower is connected again, and has got nothing for a while. */
export async function quiet(followers: readonly Follower[]): Promise<void> {
  for (let last = ''; ; ) {
    await delay(500);
    const now = followers.map(({ frames }) => frames).join();
    if (now === last && followers.every(({ answered }) => answered)) return;
    last = now;
  }
}

/** A copy of a data directory, to be broken, or to be looked at without a trace. */
export async function copyOf(dataDirectory: string): Promise<string> {
  const copy = await temporaryDirectory();
  await cp(dataDirectory, copy, { recursive: true });
  return copy;
}

/** `parley verify` of a data directory that no server has open. */
export async function verify(dataDirectory: string): Promise<Run> {
  return (await CommandLine.open({ PARLEY_DATA_DIR: dataDirectory })).run('verify');
}

interface Stores {
  readonly eventStore: EventStore;
  readonly readStore: ReadStore;
  readonly codec: Codec;
  readonly logger: Logger;
}

async function withStores<T>(
  dataDirectory: string,
  settings: NodeJS.ProcessEnv,
  body: (stores: Stores) => Promise<T>,
): Promise<T> {
  const config = loadConfig({ ...settings, PARLEY_DATA_DIR: dataDirectory, NODE_ENV: 'test' });
  const logger = pino({ level: 'silent' });
  const closers = new Closers();
  try {
    const ignore = () => undefined;
    const keys = closers.add(await openKeys(config, await loadMasterKeys(config), logger, ignore));
    const eventStore = closers.add(await openEventStore(config, logger, ignore));
    const readStore = closers.add(await openReadStore(config, logger));
    return await body({ eventStore, readStore, codec: createCodec(keys), logger });
  } finally {
    await closers.close();
  }
}

const wholeLog = 1_000_000;

/** What is in the log of a data directory that no server has open. */
export function readLog(dataDirectory: string): Promise<LoggedEvent[]> {
  return withStores(dataDirectory, {}, async ({ eventStore, codec }) =>
    logged(await eventStore.readAll(0n, wholeLog), codec),
  );
}

/** What the log's file holds, and what is found to be wrong with it: what `parley verify` looks at, or why it can't. */
export async function examine(dataDirectory: string): Promise<Examined> {
  const damage = findDamage(join(dataDirectory, 'events.db'), logTexts);
  if (damage !== undefined) return { events: [], findings: [damage] };
  return withStores(dataDirectory, {}, async (stores) => {
    const { findings } = await verifyHistory({ ...stores, projections });
    return { events: await stores.eventStore.readAll(0n, wholeLog), findings: findings.map(({ detail }) => detail) };
  }).catch((error: Error) => ({ events: [], findings: [error.message] }));
}

async function logged(stored: readonly StoredEvent[], codec: Codec): Promise<LoggedEvent[]> {
  const events = await codec.decode(stored);
  return events.map(({ stream, revision, position, id, type, metadata: { commandId }, data }) => {
    const { text } = data as { text?: string };
    return { stream, revision, position, id, type, commandId, ...(text === undefined ? {} : { text }) };
  });
}

/**
 * Compares what clients know with the log, and the log with itself and with the read models.
 * @param settings - of the processes that have worked on the data
 * @throws {CheckpointAhead} if the read models are of another log
 */
export function checkAfterwards(
  dataDirectory: string,
  { attempts, subscriptions }: Pick<History, 'attempts' | 'subscriptions'>,
  settings: NodeJS.ProcessEnv = {},
): Promise<void> {
  return withStores(dataDirectory, settings, async (stores) => {
    const stored = await stores.eventStore.readAll(0n, wholeLog);
    const log = await logged(stored, stores.codec);
    const findings = [];
    for await (const finding of verifyLog([stored], stores.codec)) findings.push(finding);
    expect(findings).toEqual([]);
    expect(checkOrder(log)).toEqual([]);
    expect(checkPosts(attempts, log)).toEqual([]);
    await checkReadModels(stores, log.at(-1)?.position ?? 0n);
    await checkSubscriptions(stores, subscriptions, log);
  });
}

/** They come to the log's end, and are what the log makes of them. */
async function checkReadModels(stores: Stores, head: bigint): Promise<void> {
  const positions = new Positions(stores.readStore);
  const projector = await startProjector({ ...stores, positions, projections });
  try {
    await positions.waitFor([accessProjection.name], head, 10_000);
    for (const rebuilt of await projector.rebuild(undefined, { compare: true })) {
      expect(rebuilt.comparison, rebuilt.projection).toMatchObject({ differing: 0, differences: [] });
    }
  } finally {
    await projector.stop();
  }
}

async function checkSubscriptions(
  { readStore }: Stores,
  subscriptions: readonly Subscription[],
  log: readonly LoggedEvent[],
): Promise<void> {
  const memberships = new Map<string, Membership>();
  const accesses = new Map<string, FeedAccess>();
  await readStore.read(async (reader) => {
    for (const { feed, person } of subscriptions) {
      const membership = await reader.get<Membership>('memberships', membershipId(feed, person));
      if (membership) memberships.set(membershipId(feed, person), membership);
      accesses.set(feed, (await reader.get<FeedAccess>('feedAccess', feed)) as FeedAccess);
    }
  });
  const isPublic = (type: string) => definitions.get(type)?.audience === 'followers';
  for (const subscription of subscriptions) {
    const { feed } = subscription;
    const membership = (person: string) => memberships.get(membershipId(feed, person));
    const access = { access: accesses.get(feed) as FeedAccess, membership };
    expect(checkSubscription(subscription, log, access, isPublic)).toEqual([]);
  }
}
