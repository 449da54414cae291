import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Random } from '../fixtures/random.js';
import { findLauncher } from '../fixtures/servers/find-server.js';
import { nats } from '../fixtures/servers/nats.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { Commander, Follower, type Person } from './clients.js';
import { Cluster, faultsOf } from './cluster.js';
import type { History } from './history.js';
import { checkAfterwards, openChannels, quiet, register } from './scenario.js';

/** How long faults follow each other; `npm run chaos -- --minutes N --seed S` sets both. */
const minutes = Number(process.env.PARLEY_CHAOS_MINUTES ?? 0.2);
const seed = Number(process.env.PARLEY_CHAOS_SEED ?? Date.now() % 1_000_000);

const launcher = await findLauncher(nats, 'many processes under faults');
const settlingMs = 240_000;

describe.skipIf(!launcher)(`many processes under faults (PARLEY_CHAOS_SEED=${seed})`, () => {
  it('lose, double and invent nothing, and show nobody what is not theirs', {
    timeout: minutes * 60_000 + settlingMs,
  }, async () => {
    const dataDirectory = await temporaryDirectory();
    const random = new Random(seed);
    const broker = await (launcher as NonNullable<typeof launcher>).start();
    onTestFinished(() => broker.stop());
    const cluster = await Cluster.start(dataDirectory, broker);
    onTestFinished(() => cluster.stop());
    const apis = ['api 1', 'api 2'].map((name) => cluster.process(name).url);
    const edges = ['edge 1', 'edge 2'].map((name) => cluster.process(name));
    const people: Person[] = [];
    for (const [n, name] of ['ann', 'bob', 'cyd', 'dee'].entries())
      people.push(await register(apis[n % 2] as string, name));
    const channels = await openChannels(apis[0] as string, people);
    const history: History = { attempts: [], subscriptions: [], failures: [] };
    const { attempts, subscriptions } = history;
    const commanders = people.map(
      (person, n) =>
        new Commander(apis[n % 2] as string, person, people, channels, new Random(random.between(0, 1e9)), history),
    );
    const followers = people.flatMap((person, n) =>
      channels.map((channel, m) => {
        const url = apis[n % 2] as string;
        const { socketUrl } = edges[(n + m) % 2] as (typeof edges)[0];
        return new Follower({ url, socketUrl }, person, `channel-${channel}`, subscriptions);
      }),
    );

    const working = new AbortController();
    const work = commanders.map((commander) => commander.work(working.signal));
    const struck: string[] = [];
    const faults = faultsOf(cluster, random);
    for (const end = Date.now() + minutes * 60_000; Date.now() < end; ) {
      await delay(random.between(50, 1_000));
      const fault = random.pick(faults);
      struck.push(fault.name);
      await fault.strike();
    }
    working.abort();
    await Promise.all(work);
    for (const follower of followers) follower.answered = false;
    for (const edge of edges) {
      await edge.end('SIGTERM');
      await edge.start();
    }
    await Promise.all(commanders.map((commander) => commander.settle()));
    await quiet(followers);
    for (const follower of followers) follower.stop();
    await cluster.stop();

    await checkAfterwards(dataDirectory, history);
    const ok = attempts.filter(({ outcome }) => outcome === 'ok').length;
    console.log(`${struck.length} faults, ${ok} of ${attempts.length} posts acknowledged: ${struck.join('; ')}`);
    expect(ok).toBeGreaterThan(struck.length);
  });
});
