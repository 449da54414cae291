import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { projections } from '../../projections/catalogue.js';
import { testDatabase } from '../fixtures/mongo-databases.js';
import { Random } from '../fixtures/random.js';
import { findLauncher } from '../fixtures/servers/find-server.js';
import { mongodb } from '../fixtures/servers/mongodb.js';
import { nats } from '../fixtures/servers/nats.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { checkLag } from './checkers.js';
import { Commander, Follower, type Person, SocketPoster } from './clients.js';
import { apiNames, Cluster, edgeNames, processNames } from './cluster.js';
import { Faults } from './faults.js';
import type { History } from './history.js';
import { checkAfterwards, openChannels, register } from './scenario.js';
import { lagsUntilZero, stopWhenCaughtUp } from './settling.js';

/** How long faults follow each other; `npm run chaos` sets this, the seed, and perhaps the read store. */
const minutes = Number(process.env.PARLEY_CHAOS_MINUTES ?? 0.2);
const seed = Number(process.env.PARLEY_CHAOS_SEED ?? Date.now() % 1_000_000);
const readStore = process.env.PARLEY_CHAOS_READ_STORE ?? new Random(seed).pick(['sqlite', 'mongodb']);

const launcher = await findLauncher(nats, 'many processes under faults');
const documentsLauncher =
  readStore === 'mongodb' ? await findLauncher(mongodb, 'many processes under faults with MongoDB') : undefined;
const settlingMs = 300_000;

const title = `many processes under faults (PARLEY_CHAOS_SEED=${seed}, ${documentsLauncher ? 'mongodb' : 'sqlite'})`;

describe.skipIf(!launcher)(title, () => {
  it('lose, double and invent nothing, and show nobody what is not theirs', {
    timeout: minutes * 60_000 + settlingMs,
  }, async () => {
    const dataDirectory = await temporaryDirectory();
    const random = new Random(seed);
    const broker = await (launcher as NonNullable<typeof launcher>).start();
    onTestFinished(() => broker.stop());
    const documents = await documentsLauncher?.start();
    if (documents) onTestFinished(() => documents.stop());
    const settings = documents ? { PARLEY_READ_STORE: testDatabase(documents).setting } : {};
    const cluster = await Cluster.start({ broker, documents, dataDirectory, settings, random });
    onTestFinished(() => cluster.stop());
    const apis = apiNames.map((name) => cluster.process(name).url);
    const people: Person[] = [];
    for (const [n, name] of ['ann', 'bob', 'cyd', 'dee'].entries())
      people.push(await register(apis[n % 2] as string, name));
    const channels = await openChannels(apis[0] as string, people);
    const history: History = { attempts: [], subscriptions: [], failures: [] };
    const { attempts, subscriptions } = history;
    const commanders = people.map(
      (person, n) => new Commander(apis[n % 2] as string, person, people, channels, random.fork(), history),
    );
    const sockets = edgeNames.map((name) => cluster.socketUrl(name));
    const followers = people.flatMap((person, n) =>
      channels.map((channel, m) => {
        const server = { url: apis[n % 2] as string, socketUrl: sockets[(n + m) % 2] as string };
        return new Follower(server, person, `channel-${channel}`, subscriptions);
      }),
    );

    const posters = people.map((person, n) => {
      const server = { url: apis[n % 2] as string, socketUrl: sockets[n % 2] as string };
      return new SocketPoster(server, person, channels, random.fork(), attempts);
    });

    const working = new AbortController();
    const workers = [...commanders, ...posters];
    const work = workers.map((worker) => worker.work(working.signal));
    const struck: string[] = [];
    const faults = new Faults(cluster, random, Math.min(7_000, minutes * 15_000));
    for (const end = Date.now() + minutes * 60_000; Date.now() < end; ) {
      await delay(random.between(50, 1_000));
      const now = faults.next();
      struck.push(now.map(({ name }) => name).join(' while '));
      await Promise.all(now.map((fault) => fault.strike()));
    }
    working.abort();
    await Promise.all(work);
    cluster.heal();
    await Promise.all(workers.map((worker) => worker.settle()));
    await stopWhenCaughtUp(followers, dataDirectory);
    const lags = await lagsUntilZero(processNames.map((name) => cluster.process(name).url));
    await cluster.stop();

    expect(
      checkLag(
        lags,
        projections.map(({ name }) => name),
      ),
    ).toEqual([]);
    await checkAfterwards(dataDirectory, history, settings);
    const ok = attempts.filter(({ outcome }) => outcome === 'ok').length;
    console.log(`${struck.length} faults, ${ok} of ${attempts.length} posts acknowledged: ${struck.join('; ')}`);
    expect(ok).toBeGreaterThan(struck.length);
  });
});
