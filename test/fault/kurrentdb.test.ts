import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { introduce, KurrentLogs } from '../contract/kurrentdb-logs.js';
import { KurrentStandIn } from '../fixtures/kurrentdb-stand-in/stand-in.js';
import { Random } from '../fixtures/random.js';
import { ServerProcess } from '../fixtures/server-process.js';
import { findServer } from '../fixtures/servers/find-server.js';
import { kurrentdb } from '../fixtures/servers/kurrentdb.js';
import type { TestServer } from '../fixtures/servers/server.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { Load } from './load.js';
import { checkAfterwards } from './scenario.js';

const rounds = Number(process.env.PARLEY_KURRENTDB_CRASH_ROUNDS ?? 8);
const seed = Number(process.env.PARLEY_KURRENTDB_CRASH_SEED ?? Date.now() % 1_000_000);

const real = await findServer(kurrentdb, 'what befalls a process whose log is in a real KurrentDB');
if (real) {
  runOver('a KurrentDB', async () => {
    const server = await real.start();
    await introduce(server);
    return server;
  });
}
runOver('a stand-in for KurrentDB', () => KurrentStandIn.start());

function runOver(name: string, start: () => Promise<TestServer>): void {
  describe(`a process whose log is in ${name} (PARLEY_KURRENTDB_CRASH_SEED=${seed})`, () => {
    let logs: KurrentLogs;
    beforeAll(async () => {
      logs = await KurrentLogs.on(await start());
    });
    afterAll(() => (logs as KurrentLogs | undefined)?.close());

    it('loses, doubles and invents nothing, killed and cut off at random moments, and shows nobody what is not theirs', {
      timeout: 280_000,
    }, async () => {
      const dataDirectory = await temporaryDirectory();
      const random = new Random(seed);
      const settings = { PARLEY_EVENT_STORE: logs.newUrl() };
      const server = await ServerProcess.of(dataDirectory, settings);
      onTestFinished(async () => void (await server.end('SIGKILL')));
      await server.start();
      const load = await Load.begin(server.url, random);
      for (let round = 0; round < rounds; round += 1) {
        const isKilled = round % 2 === 0;
        await load.during(async () => {
          await delay(random.between(100, 600));
          if (isKilled) await server.end('SIGKILL');
          else logs.cut();
          await delay(random.between(0, 300));
        });
        if (isKilled) await server.start();
      }
      expect(await server.end('SIGTERM'), server.output).toBe(0);
      await load.settle(() => server.start());
      load.stop();
      expect(await server.end('SIGTERM'), server.output).toBe(0);
      await checkAfterwards(dataDirectory, load, settings);
      expect(load.count('ok')).toBeGreaterThan(rounds);
    });
  });
}
