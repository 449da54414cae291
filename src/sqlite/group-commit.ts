import { setImmediate } from 'node:timers/promises';
import type { Writer } from './connection.js';
import { beginWriting, isBusy, remedyOf } from './database.js';

/** What one member of a group did: its result, or why it wrote nothing. */
export type Written<T> = { readonly result: T } | { readonly refused: Error };

interface Member {
  readonly rows: number;
  /** Does the member's writes; returns what tells its caller, once they are on disk. */
  write(): () => void;
  fail(error: Error): void;
}

export interface GroupCommitOptions {
  /** Makes the error for members of whom it can't be known whether they were committed. */
  readonly unknownOutcome: (reason: string, cause: unknown) => Error;
  /** Called once, when nothing can be committed any more: the process had better end. */
  readonly onFatal?: (error: Error) => void;
}

/**
 * When to take up the write-ahead log: about as often as SQLite itself, which does it at a thousand pages, inside a commit,
 * and tells nobody if it fails. A commit is taken to write as many pages, and one more for so many rows.
 */
const pagesBetweenCheckpoints = 1_000;
const pagesOfCommit = 2;
const rowsOfPage = 4;

/** A group blocks the event loop while its rows are written, about 7 µs a row. */
const maxRows = 1_000;

/**
 * Writes that arrive while the disk is busy share the next commit: one sync for all of them.
 *
 * Any failure but a lock held too long is final. After a failed sync the operating system may have dropped what it
 * could not write, so nothing may be acknowledged; and a disk that is full before the commit is treated alike, since
 * there is nothing left to do for the process and a caller who is told "unknown" is never told wrong.
 */
export class GroupCommit {
  private waiting: Member[] = [];
  private working: Promise<void> | undefined;
  private ended: Error | undefined;
  private failed = false;
  private pagesSinceCheckpoint = 0;

  constructor(
    private readonly writer: Writer,
    private readonly options: GroupCommitOptions,
  ) {}

  /**
   * Runs `write` inside a transaction and resolves when that is on disk. `write` must refuse before it writes anything;
   * whatever it throws is fatal to all.
   * @param rows about how many rows it writes
   */
  run<T>(rows: number, write: () => Written<T>): Promise<T> {
    if (this.ended) return Promise.reject(this.ended);
    return new Promise((resolve, reject) => {
      this.waiting.push({
        rows,
        fail: reject,
        write() {
          const written = write();
          return 'refused' in written ? () => reject(written.refused) : () => resolve(written.result);
        },
      });
      this.working ??= this.work();
    });
  }

  /**
   * Runs a read of what is committed. One that fails is as final as a failed commit: the disk can't be relied on, or what
   * is on it is damaged.
   * @throws {Error} if it was closed or has failed
   */
  read<T>(body: () => T): T {
    if (this.ended) throw this.ended;
    try {
      return body();
    } catch (error) {
      if (isBusy(error)) throw error;
      throw this.fail([], error);
    }
  }

  /** Commits what is waiting; what comes later is refused with this error. */
  async close(reason: Error): Promise<void> {
    this.ended ??= reason;
    await this.working;
  }

  private async work(): Promise<void> {
    // What other sockets bring in this turn of the event loop shares the commit.
    await setImmediate();
    while (this.waiting.length > 0) {
      await this.commitGroup();
      if (this.pagesSinceCheckpoint >= pagesBetweenCheckpoints) await this.checkpoint();
    }
    this.working = undefined;
  }

  private async commitGroup(): Promise<void> {
    try {
      await beginWriting(this.writer);
    } catch (error) {
      this.refuse(error);
      return;
    }
    const group = this.takeGroup();
    try {
      const tellings = group.map((member) => member.write());
      await this.writer.exec('COMMIT');
      // Also refusals are told only now: they may rest on what the group itself wrote.
      for (const tell of tellings) tell();
      this.pagesSinceCheckpoint += group.reduce((pages, { rows }) => pages + rows / rowsOfPage, pagesOfCommit);
    } catch (error) {
      await this.die(group, error);
    }
  }

  /** Copies the write-ahead log into the file, as far as no reader needs it. */
  private async checkpoint(): Promise<void> {
    this.pagesSinceCheckpoint = 0;
    try {
      await this.writer.exec('PRAGMA wal_checkpoint(PASSIVE)');
    } catch (error) {
      if (!isBusy(error)) this.fail([], error);
    }
  }

  private takeGroup(): Member[] {
    let rows = 0;
    const end = this.waiting.findIndex((member) => {
      rows += member.rows;
      return rows > maxRows;
    });
    // One that is too large alone still goes.
    return this.waiting.splice(0, end === -1 ? this.waiting.length : Math.max(1, end));
  }

  /** The transaction did not begin: nothing was written. */
  private refuse(error: unknown): void {
    if (!isBusy(error)) {
      this.fail([], error);
      return;
    }
    const failure = this.options.unknownOutcome('another process keeps the database locked', error);
    for (const member of this.waiting.splice(0)) member.fail(failure);
  }

  private async die(group: readonly Member[], error: unknown): Promise<void> {
    this.fail(group, error);
    // Frees the lock for other processes, if SQLite has not done so.
    await this.writer.exec('ROLLBACK').catch(() => {});
  }

  /** Nothing goes on from here. @returns what everybody is told */
  private fail(group: readonly Member[], error: unknown): Error {
    const message = error instanceof Error ? error.message : String(error);
    const failure = this.options.unknownOutcome(`the database failed (${message}): ${remedyOf(error)}`, error);
    for (const member of [...group, ...this.waiting.splice(0)]) member.fail(failure);
    this.ended = failure;
    if (!this.failed) this.options.onFatal?.(failure);
    this.failed = true;
    return failure;
  }
}
