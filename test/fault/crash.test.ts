import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
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
import { Random } from '../fixtures/random.js';
import { ServerProcess } from '../fixtures/server-process.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { checkOrder, checkPosts, checkSubscription } from './checkers.js';
import { Commander, Follower, type Person } from './clients.js';
import type { LoggedEvent, PostAttempt, Subscription } from './history.js';

const rounds = Number(process.env.PARLEY_CRASH_ROUNDS ?? 50);
const seed = Number(process.env.PARLEY_CRASH_SEED ?? Date.now() % 1_000_000);

describe(`killed at random moments under load (PARLEY_CRASH_SEED=${seed})`, () => {
  it('loses, doubles and invents nothing, and shows nobody what is not theirs', async () => {
    const dataDirectory = await temporaryDirectory();
    const random = new Random(seed);
    const server = await ServerProcess.of(dataDirectory);
    const attempts: PostAttempt[] = [];
    const subscriptions: Subscription[] = [];
    try {
      await server.start();
      const people = await Promise.all(['ann', 'bob', 'cyd', 'dee'].map((name) => register(server.url, name)));
      const channels = await openChannels(server.url, people);
      const commanders = people.map(
        (person) => new Commander(server.url, person, people, channels, new Random(random.between(0, 1e9)), attempts),
      );
      const followers = people.flatMap((person) =>
        channels.map((channel) => new Follower(server.url, person, `channel-${channel}`, subscriptions)),
      );
      for (let round = 0; round < rounds; round += 1) {
        if (round > 0) await server.start();
        const working = new AbortController();
        const work = commanders.map((commander) => commander.work(working.signal));
        await delay(random.between(20, 350));
        await server.end('SIGKILL');
        working.abort();
        await Promise.all(work);
      }
      for (const follower of followers) follower.answered = false;
      await server.start();
      await Promise.all(commanders.map((commander) => commander.settle()));
      await quiet(followers);
      for (const follower of followers) follower.stop();
      expect(await server.end('SIGTERM'), server.output).toBe(0);
    } finally {
      await server.end('SIGKILL');
    }
    await checkAfterwards(dataDirectory, attempts, subscriptions);
    expect(attempts.filter(({ outcome }) => outcome === 'ok').length).toBeGreaterThan(rounds);
    expect(attempts.filter(({ outcome }) => outcome === 'refused').length).toBeGreaterThan(0);
  }, 280_000);
});

async function post<T>(url: string, path: string, body: unknown, token?: string): Promise<T> {
  const response = await fetch(`${url}/api/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify(body),
  });
  expect(response.ok, await response.clone().text()).toBe(true);
  return (await response.json()) as T;
}

async function register(url: string, name: string): Promise<Person> {
  const body = { email: `${name}@example.org`, name, password: 'correct horse battery' };
  const { user, accessToken } = await post<{ user: { id: string }; accessToken: string }>(url, 'auth/register', body);
  return { id: user.id, token: accessToken };
}

/** A public channel and two private ones, owned by different people. */
async function openChannels(url: string, people: readonly Person[]): Promise<string[]> {
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
async function quiet(followers: readonly Follower[]): Promise<void> {
  for (let last = ''; ; ) {
    await delay(500);
    const now = followers.map(({ frames }) => frames).join();
    if (now === last && followers.every(({ answered }) => answered)) return;
    last = now;
  }
}

async function checkAfterwards(
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
