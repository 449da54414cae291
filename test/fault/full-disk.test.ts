import { cp } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/cli/exit-codes.js';
import { endedWithTest, ServerProcess } from '../fixtures/server-process.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { Load } from './load.js';
import { checkAfterwards, verify } from './scenario.js';
import { seededRuns } from './seeded-runs.js';
import { findSmallDisks, SmallDisk } from './small-disk.js';

const runs = seededRuns('PARLEY_FULL_DISK', 1);

describe.runIf(findSmallDisks('a disk that is full'))('a disk that fills up under load', { timeout: 280_000 }, () => {
  it.each(runs)('loses nothing that was acknowledged, and leaves nothing half (%s)', async (_name, random) => {
    const disk = await SmallDisk.mount(64);
    const plain = await ServerProcess.of(disk.path);
    const server = endedWithTest(plain.through(disk.runner, { LOG_LEVEL: 'silent' }));
    await server.start();
    const load = await Load.begin(server.url, random);
    await disk.fillUpTo(random.between(0, 2_000_000));
    await load.during(async () => {
      expect(await server.ended, server.output).toBe(exitCodes.store);
    });
    expect(server.lastWords).toEqual([expect.stringMatching(/(events|keys)\.db .*: make room\.$/)]);
    expect(load.failures.filter(({ code }) => code !== 'outcome-unknown')).toEqual([]);

    await disk.fillUpTo(0);
    await expect(server.start()).rejects.toThrow('the disk is full: make room.');
    expect(server.lastWords).toHaveLength(1);
    expect(await server.ended).toBe(exitCodes.data);

    await disk.makeRoom();
    await load.settle(() => server.start());
    load.stop();
    expect(await server.end('SIGTERM'), server.output).toBe(exitCodes.done);
    const data = await temporaryDirectory();
    await cp(disk.outside, data, { recursive: true });
    expect(await verify(data)).toMatchObject({ exitCode: exitCodes.done, stderr: '' });
    await checkAfterwards(data, load);
    expect(load.count('ok')).toBeGreaterThan(0);
  });

  it('is told in one line by a first start, and nothing is left that would keep the next one', async () => {
    const disk = await SmallDisk.mount(16);
    const plain = await ServerProcess.of(disk.path);
    const server = endedWithTest(plain.through(disk.runner, { LOG_LEVEL: 'silent' }));
    await disk.fillUpTo(0);
    await expect(server.start()).rejects.toThrow(/full|no space/);
    expect(server.lastWords).toHaveLength(1);
    expect(await server.ended).toBe(exitCodes.data);
    await disk.makeRoom();
    await server.start();
    expect(await server.end('SIGTERM'), server.output).toBe(exitCodes.done);
  });
});
