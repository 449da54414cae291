import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Random } from '../fixtures/random.js';
import { ServerProcess } from '../fixtures/server-process.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { Commander, Follower } from './clients.js';
import type { PostAttempt, Subscription } from './history.js';
import { checkAfterwards, openChannels, quiet, register } from './scenario.js';

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
        channels.map((channel) => new Follower({ url: server.url }, person, `channel-${channel}`, subscriptions)),
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
