import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { notRun } from '../fixtures/not-run.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';

/** Whether disks of our own can be mounted here; says so in a line where not. */
export function findSmallDisks(what: string): boolean {
  const tried = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'parley', '/mnt'], { encoding: 'utf8' });
  if (tried.status === 0) return true;
  notRun(what, 'unshare', `unshare may mount nothing here: ${tried.error?.message ?? tried.stderr.trim()}`);
  return false;
}

const filler = 'filler';
const chunk = Buffer.alloc(64 * 1024);

/** A disk in memory that only processes run `through` it see, under a path of its own. Gone with the test. */
export class SmallDisk {
  private constructor(
    private readonly holder: ChildProcess,
    /** Where processes that run through it find it. */
    readonly path: string,
  ) {}

  static async mount(mebibytes: number): Promise<SmallDisk> {
    const path = await temporaryDirectory();
    // The mount is gone with the last process that sees it: this one, which ends with its input.
    const script = 'mount -t tmpfs -o "size=$2m" parley "$1" && echo mounted && exec cat';
    const holder = spawn('unshare', ['-rm', 'sh', '-c', script, 'sh', path, String(mebibytes)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    onTestFinished(() => void holder.stdin.end());
    await once(holder.stdout, 'data');
    return new SmallDisk(holder, path);
  }

  /** What a command line begins with so that it sees the disk. */
  get runner(): string[] {
    return ['nsenter', '--preserve-credentials', '-U', '-m', '-t', String(this.holder.pid)];
  }

  /** Where this process finds what is on it: to be read, and not by SQLite, which looks for the path's true name. */
  get outside(): string {
    return `/proc/${this.holder.pid}/root${this.path}`;
  }

  /** Leaves room for so many bytes. */
  async fillUpTo(free: number): Promise<void> {
    const file = await open(join(this.outside, filler), 'w');
    try {
      for (;;) await file.write(chunk);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      const { size } = await file.stat();
      await file.truncate(Math.max(0, size - free));
    } finally {
      await file.close();
    }
  }

  /** Takes away what it was filled with. */
  async makeRoom(): Promise<void> {
    await rm(join(this.outside, filler));
  }
}
