import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Random } from '../fixtures/random.js';
import { ServerProcess } from '../fixtures/server-process.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { Load } from './load.js';
import { checkAfterwards } from './scenario.js';

const rounds = Number(process.env.PARLEY_CRASH_ROUNDS ?? 20);
const seed = Number(process.env.PARLEY_CRASH_SEED ?? Date.now() % 1_000_000);

describe(`killed at random moments under load (PARLEY_CRASH_SEED=${seed})`, () => {
  it('loses, doubles and invents nothing, and shows nobody what is not theirs', async () => {
    const dataDirectory = await temporaryDirectory();
    const random = new Random(seed);
    const server = await ServerProcess.of(dataDirectory);
    try {
      await server.start();
      const load = await Load.begin(server.url, random);
      for (let round = 0; round < rounds; round += 1) {
        if (round > 0) await server.start();
        await load.during(async () => {
          await delay(random.between(20, 350));
          await server.end('SIGKILL');
        });
      }
      await load.settle(() => server.start());
      load.stop();
      expect(await server.end('SIGTERM'), server.output).toBe(0);
      await checkAfterwards(dataDirectory, load);
      expect(load.count('ok')).toBeGreaterThan(rounds);
      expect(load.count('refused')).toBeGreaterThan(0);
    } finally {
      await server.end('SIGKILL');
    }
  }, 280_000);
});
