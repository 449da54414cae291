import { spawnSync } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { notRun } from '../fixtures/not-run.js';

/** Whether system calls can be made to fail here; says so in a line where not. */
export function findFailingSyncs(what: string): boolean {
  const tried = spawnSync(
    'strace',
    ['-D', '-f', '-qq', '--seccomp-bpf', '-e', 'trace=fsync', '-o', '/dev/null', 'true'],
    {
      encoding: 'utf8',
    },
  );
  if (tried.status === 0) return true;
  notRun(what, 'strace', `strace can't be used here: ${tried.error?.message ?? tried.stderr.trim()}`);
  return false;
}

/** A file whose sync fails, once: what was written to it since the sync before may never come to the disk. */
export class FailingSync {
  /**
   * @param file - the path that the server opens
   * @param nth - which sync of a thread of the server's fails, from 1
   * @param log - where it is noted what is written and synced
   */
  constructor(
    private readonly file: string,
    private readonly nth: number,
    private readonly log: string,
  ) {}

  /** What the server's command line begins with. */
  get runner(): string[] {
    const faults = `inject=fsync,fdatasync:error=EIO:when=${this.nth}`;
    const calls = 'trace=fsync,fdatasync,pwrite64';
    return [
      'strace',
      '-D',
      '-f',
      '-qq',
      '--seccomp-bpf',
      '-y',
      '-s',
      '0',
      '-e',
      calls,
      '-e',
      faults,
      '-P',
      this.file,
    ].concat(['-o', this.log]);
  }

  async hasFailed(): Promise<boolean> {
    return (await readFile(this.log, 'utf8')).includes('(INJECTED)');
  }

  /** Has the file lose what was written since its last sync that did not fail, once the server has ended. */
  async loseUnsynced(): Promise<void> {
    const file = await open(this.file, 'r+');
    try {
      for (const { offset, length } of unsyncedWrites(await readFile(this.log, 'utf8'))) {
        await file.write(Buffer.alloc(length), 0, length, offset);
      }
    } finally {
      await file.close();
    }
  }
}

interface Write {
  readonly offset: number;
  readonly length: number;
}

/** Of a log of strace about one file, whose lines come in the order in which calls begin or, where they take long, end. */
export function unsyncedWrites(log: string): Write[] {
  let writes: Write[] = [];
  for (const line of log.split('\n')) {
    const written = /pwrite64\(.*, (\d+), (\d+)(\) += \d| <unfinished)/.exec(line);
    if (written) writes.push({ length: Number(written[1]), offset: Number(written[2]) });
    else if (/sync(\(.*| resumed>)\) += 0$/.test(line)) writes = [];
  }
  return writes;
}
