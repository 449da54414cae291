import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { notRun } from '../fixtures/not-run.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';

/** What is to be loaded into a process so that it can be told a wrong time; says so in a line where it is not here. */
export function findFakeTime(what: string): string | undefined {
  const tried = spawnSync('faketime', ['-f', '+0s', 'env'], { encoding: 'utf8' });
  const library = /^LD_PRELOAD=(.+)$/m.exec(tried.stdout ?? '')?.[1];
  if (library === undefined) notRun(what, 'faketime', `faketime can't be run: ${tried.error?.message ?? tried.stderr}`);
  return library;
}

/** The clock of a process, which can be set while it runs; its monotonic clock goes on as it is. */
export class WrongClock {
  private constructor(
    private readonly library: string,
    private readonly file: string,
  ) {}

  static async right(library: string): Promise<WrongClock> {
    const clock = new WrongClock(library, join(await temporaryDirectory(), 'clock'));
    await clock.set('+0s');
    return clock;
  }

  /** Settings of the process. */
  get settings(): NodeJS.ProcessEnv {
    return {
      LD_PRELOAD: this.library,
      FAKETIME_TIMESTAMP_FILE: this.file,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  /** @param offset - from the true time, such as `-1h` or `+1d` */
  async set(offset: string): Promise<void> {
    await writeFile(this.file, `${offset}\n`);
  }
}
