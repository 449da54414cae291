import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/cli/exit-codes.js';
import { CheckpointAhead } from '../../src/projector/checkpoint-ahead.js';
import { endedWithTest, ServerProcess } from '../fixtures/server-process.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { checkPrefix } from './checkers.js';
import { asFarAs } from './history.js';
import { Load } from './load.js';
import { checkAfterwards, copyOf, readLog, verify } from './scenario.js';
import { seededRuns } from './seeded-runs.js';
import { tear } from './write-ahead-log.js';

const runs = seededRuns('PARLEY_TORN_LOG', 1);
const tearsOfRun = 6;

async function deleteReadModels(data: string): Promise<void> {
  for (const end of ['', '-wal', '-shm']) await rm(join(data, `read-models.db${end}`), { force: true });
}

describe('a write-ahead log that is torn', { timeout: 280_000 }, () => {
  it.each(runs)(
    'leaves the log as it was at a moment before, and read models that agree with it (%s)',
    async (_name, random) => {
      const data = await temporaryDirectory();
      const server = endedWithTest(await ServerProcess.of(data));
      await server.start();
      const load = await Load.begin(server.url, random);
      await load.during(async () => {
        await delay(random.between(500, 1_500));
        await server.end('SIGKILL');
      });
      load.stop();
      const whole = await readLog(await copyOf(data));

      for (let round = 0; round < tearsOfRun; round += 1) {
        const torn = await copyOf(data);
        const how = await tear(join(torn, 'events.db'), random);
        if (random.next() < 0.5) await tear(join(torn, 'read-models.db'), random);
        const log = await readLog(await copyOf(torn));
        expect(checkPrefix(log, whole), how).toEqual([]);
        const history = { attempts: asFarAs(log, load.attempts), subscriptions: [] };
        const ahead = await checkAfterwards(torn, history).catch((error: unknown) => error);
        if (ahead === undefined) continue;
        expect(ahead, how).toBeInstanceOf(CheckpointAhead);
        await deleteReadModels(torn);
        await checkAfterwards(torn, history);
      }

      const torn = await copyOf(data);
      await tear(join(torn, 'events.db'), random);
      const history = { attempts: asFarAs(await readLog(await copyOf(torn)), load.attempts), subscriptions: [] };
      const again = endedWithTest(server.through([], { PARLEY_DATA_DIR: torn, LOG_LEVEL: 'silent' }));
      const refused = await again.start().catch((error: unknown) => error);
      if (refused) {
        expect(again.lastWords).toEqual([
          expect.stringContaining('Restore the log; or, if it is right, delete the read'),
        ]);
        expect(await again.ended).toBe(exitCodes.data);
        await deleteReadModels(torn);
        await again.start();
      }
      await again.end('SIGTERM');
      expect(await verify(torn)).toMatchObject({ exitCode: exitCodes.done, stderr: '' });
      await checkAfterwards(torn, history);
    },
  );
});
