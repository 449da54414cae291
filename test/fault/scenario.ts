import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { expect } from 'vitest';
import type { FeedAccess, Membership } from '../../domain/access.js';
import { events as definitions } from '../../domain/catalogue.js';
import { accessProjection, membershipId } from '../../projections/access/access.js';
import { projections } from '../../projections/catalogue.js';
import { openEventStore, openKeys, openReadStore } from '../../src/adapters.js';
import { loadConfig } from '../../src/config.js';
import { createCodec } from '../../src/event-store/event-codec.js';
import { verifyLog } from '../../src/event-store/verify.js';
import { startProjector } from '../../src/projector/projector.js';
import { Positions } from '../../src/read-store/positions.js';
import { loadMasterKeys } from '../../src/secrets.js';
import { checkOrder, checkPosts, checkSubscription } from './checkers.js';
import type { Follower, Person } from './clients.js';
import type { LoggedEvent, PostAttempt, Subscription } from './history.js';

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

export async function register(url: string, name: string): Promise<Person> {
  const body = { email: `${name}@example.org`, name, password: 'correct horse battery' };
  const { user, accessToken } = await post<{ user: { id: string }; accessToken: string }>(url, 'auth/register', body);
  return { id: user.id, token: accessToken };
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

export async function checkAfterwards(
  dataDirectory: string,
  attempts: readonly PostAttempt[],
  subscriptions: readonly Subscription[],
): Promise<void> {
  const config = loadConfig({ PARLEY_DATA_DIR: dataDirectory, NODE_ENV: 'test' });
  const logger = pino({ level: 'silent' });
  const ignore = () => undefined;
  const masterKeys = await loadMasterKeys(config);
  const [eventStore, keys, readStore] = await Promise.all([
    openEventStore(config, logger, ignore),
    openKeys(config, masterKeys, logger, ignore),
    openReadStore(config, logger),
  ]);
  const codec = createCodec(keys);
  const positions = new Positions(readStore);
  const projector = await startProjector({ eventStore, codec, readStore, positions, logger, projections });
  try {
    const stored = await eventStore.readAll(0n, 1_000_000);
    const log: LoggedEvent[] = (await codec.decode(stored)).map(({ stream, revision, position, type, data }) => {
      const { text } = data as { text?: string };
      return { stream, revision, position, type, ...(text === undefined ? {} : { text }) };
    });
    const findings = [];
    for await (const finding of verifyLog([stored], codec)) findings.push(finding);
    expect(findings).toEqual([]);
    expect(checkOrder(log)).toEqual([]);
    expect(checkPosts(attempts, log)).toEqual([]);

    await positions.waitFor([accessProjection.name], log.at(-1)?.position ?? 0n, 10_000);
    for (const rebuilt of await projector.rebuild(undefined, { compare: true })) {
      expect(rebuilt.comparison, rebuilt.projection).toMatchObject({ differing: 0, differences: [] });
    }

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
  } finally {
    await projector.stop();
    await Promise.all([eventStore.close(), keys.close(), readStore.close()]);
  }
}
