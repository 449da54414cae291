import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/cli/exit-codes.js';
import { endedWithTest, ServerProcess } from '../fixtures/server-process.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { FailingSync, findFailingSyncs, unsyncedWrites } from './failing-sync.js';
import { Load } from './load.js';
import { checkAfterwards, verify } from './scenario.js';
import { seededRuns } from './seeded-runs.js';

/** Commits sync the write-ahead logs, checkpoints the file: seldom. */
const files = [
  { file: 'events.db-wal', latest: 30 },
  { file: 'keys.db-wal', latest: 4 },
  { file: 'events.db', latest: 1 },
] as const;
const runs = seededRuns('PARLEY_FAILED_SYNC', 1).flatMap(([title, random]) =>
  files.map((file) => ({ ...file, title, random })),
);

describe.runIf(findFailingSyncs('a sync that fails'))('a sync that fails under load', { timeout: 280_000 }, () => {
  it.each(runs)(
    'of $file: nothing of it is acknowledged, and the process ends ($title)',
    async ({ file, latest, random }) => {
      const data = await temporaryDirectory();
      const before = endedWithTest(await ServerProcess.of(data));
      await before.start();
      const load = await Load.begin(before.url, random);
      await before.end('SIGTERM');

      const path = join(data, file);
      const fault = new FailingSync(
        path,
        random.between(Math.min(4, latest), latest),
        join(await temporaryDirectory(), 'calls'),
      );
      const server = endedWithTest(before.through(fault.runner, { LOG_LEVEL: 'silent' }));
      await server.start();
      await load.during(async () => {
        expect(await server.ended, server.output).toBe(exitCodes.store);
      });
      expect(await fault.hasFailed()).toBe(true);
      expect(server.lastWords).toEqual([expect.stringMatching(/(events|keys)\.db .*: check the disk\.$/)]);
      expect(load.failures.filter(({ code }) => code !== 'outcome-unknown')).toEqual([]);

      await fault.loseUnsynced();
      await load.settle(() => before.start());
      load.stop();
      expect(await before.end('SIGTERM'), before.output).toBe(exitCodes.done);
      expect(await verify(data)).toMatchObject({ exitCode: exitCodes.done, stderr: '' });
      await checkAfterwards(data, load);
      expect(load.count('ok')).toBeGreaterThan(0);
    },
  );
});

describe('what was not synced', () => {
  it('is what was written since the last sync that did not fail', () => {
    const log = [
      '1 pwrite64(3</d/log-wal>, ""..., 24, 32) = 24',
      '1 fsync(3</d/log-wal>) = 0',
      '2 pwrite64(3</d/log-wal>, ""..., 4096, 56) = 4096',
      '2 fsync(3</d/log-wal> <unfinished ...>',
      '2 <... fsync resumed>) = -1 EIO (Input/output error) (INJECTED)',
    ];
    expect(unsyncedWrites(log.join('\n'))).toEqual([{ offset: 56, length: 4096 }]);
    expect(unsyncedWrites(log.slice(0, 2).join('\n'))).toEqual([]);
    expect(unsyncedWrites([...log.slice(0, 4), '2 <... fsync resumed>) = 0'].join('\n'))).toEqual([]);
  });
});
