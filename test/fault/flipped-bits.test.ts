import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/cli/exit-codes.js';
import { Random } from '../fixtures/random.js';
import { endedWithTest, ServerProcess } from '../fixtures/server-process.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { checkNoticed } from './checkers.js';
import { Load } from './load.js';
import { copyOf, examine, verify } from './scenario.js';
import { seededRuns } from './seeded-runs.js';
import { flipBit } from './write-ahead-log.js';

const runs = seededRuns('PARLEY_FLIPPED_BIT', 1);
const flipsOfRun = 25;

/** As https://www.sqlite.org/fileformat.html tells it. */
const pageBytes = 4_096;
const leafOfIndex = 0x0a;

/** What is left by a server that was stopped: all of the log is in its file. */
async function afterLoad(random: Random): Promise<string> {
  const data = await temporaryDirectory();
  const server = endedWithTest(await ServerProcess.of(data));
  await server.start();
  const load = await Load.begin(server.url, random);
  await load.during(() => delay(random.between(500, 1_000)));
  load.stop();
  expect(await server.end('SIGTERM'), server.output).toBe(exitCodes.done);
  return data;
}

describe('a bit of the log’s file that is turned', { timeout: 280_000 }, () => {
  it.each(runs)('is found, unless it is of the last event of a stream (%s)', async (_name, random) => {
    const data = await afterLoad(random);
    const whole = await examine(await copyOf(data));
    expect(whole.findings).toEqual([]);
    const { size } = await stat(join(data, 'events.db'));
    let noticed = 0;
    for (let flip = 0; flip < flipsOfRun; flip += 1) {
      const flipped = await copyOf(data);
      const place = [random.between(0, size - 1), random.between(0, 7)] as const;
      await flipBit(join(flipped, 'events.db'), ...place);
      const examined = await examine(flipped);
      expect(checkNoticed(examined, whole.events), `bit ${place}`).toEqual([]);
      if (examined.findings.length > 0) noticed += 1;
    }
    expect(noticed).toBeGreaterThan(flipsOfRun / 4);
  });

  it('is told by parley verify with what to do, also where only an index has it', async () => {
    const data = await afterLoad(new Random(1));
    const log = join(data, 'events.db');
    const bytes = await readFile(log);
    const pages = Array.from({ length: bytes.length / pageBytes }, (_, n) => n * pageBytes);
    const page = pages.find((at) => bytes[at] === leafOfIndex) as number;
    // Behind the page's header is where its first cell is; in that, the stream's name.
    const cell = page + bytes.readUInt16BE(page + 8);
    await flipBit(log, bytes.indexOf('-', cell), 0);
    const { exitCode, stdout } = await verify(data);
    expect(exitCode).toBe(exitCodes.found);
    expect(stdout).toMatch(/^ {2}damaged-file: .*events\.db: .*: restore it from a backup$/m);
  });
});
