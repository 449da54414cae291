import { openSqlite, type SqliteDatabase } from '../sqlite/database.js';
import { GroupCommit, type Written } from '../sqlite/group-commit.js';
import { checkAppends, judgeAppend } from './append.js';
import { followLog } from './follow.js';
import { HeadWatch } from './head-watch.js';
import {
  type EventStore,
  type FollowOptions,
  OutcomeUnknown,
  type ReadStreamOptions,
  type StoredEvent,
  type StreamAppend,
} from './port.js';
import { RecentEvents } from './recent-events.js';
import { LogReader, LogWriter, logFormat } from './sqlite-log.js';

export interface SqliteEventStoreOptions {
  /**
   * Called once when the disk has failed: every append in flight was told `OutcomeUnknown`, every further call throws,
   * and the process had better end.
   */
  readonly onFatal?: (error: Error) => void;
}

/** How long another process's events may stay unseen, in ms. */
const pollMs = 25;

/**
 * Opens the log in this file, or makes it. Several processes of one host may have it open.
 * @throws {StoreUnusable} if the file is damaged, not ours or can't be written
 */
export async function openSqliteEventStore(path: string, options: SqliteEventStoreOptions = {}): Promise<EventStore> {
  const database = await openSqlite(path, logFormat);
  return new SqliteEventStore(path, database, await LogWriter.open(database), options);
}

class SqliteEventStore implements EventStore {
  private readonly reader: LogReader;
  private readonly commits: GroupCommit;
  private readonly recent = new RecentEvents();
  private readonly watch: HeadWatch;

  constructor(
    path: string,
    private readonly database: SqliteDatabase,
    private readonly writer: LogWriter,
    { onFatal }: SqliteEventStoreOptions,
  ) {
    this.reader = new LogReader(database);
    this.watch = new HeadWatch(() => this.lookAtHead(), pollMs);
    this.commits = new GroupCommit(database.writer, {
      unknownOutcome: (reason, cause) =>
        new OutcomeUnknown(`The event log ${path} can't tell what was appended: ${reason}.`, { cause }),
      onFatal: (error) => {
        this.watch.wakeAll();
        onFatal?.(error);
      },
    });
  }

  async append(appends: readonly StreamAppend[]): Promise<StoredEvent[]> {
    checkAppends(appends);
    const rows = appends.reduce((sum, { events }) => sum + events.length, 0);
    const events = await this.commits.run(rows, () => this.write(appends));
    const last = events.at(-1);
    if (last) this.watch.advance(last.position);
    return events;
  }

  private write(appends: readonly StreamAppend[]): Written<StoredEvent[]> {
    const verdict = judgeAppend(appends, this.writer);
    if (verdict.kind === 'conflict') return { refused: verdict.conflict };
    if (verdict.kind === 'repeated') return { result: verdict.events };
    const stored: StoredEvent[] = [];
    for (const { stream, expectedRevision, events } of appends) {
      for (const [index, event] of events.entries()) {
        stored.push(this.writer.insert(stream, expectedRevision + 1 + index, event));
      }
    }
    // Row ids follow each other without gaps (`logFormat`).
    for (const event of stored) this.recent.push(event, event.position - 1n);
    return { result: stored };
  }

  async readStream(stream: string, options: ReadStreamOptions): Promise<StoredEvent[]> {
    return this.commits.read(() => this.reader.readStream(stream, options));
  }

  async readAll(after: bigint, limit: number): Promise<StoredEvent[]> {
    return this.readThrough(await this.head(), after, limit);
  }

  /** A follower is content with what is known of the log: it is woken when there is more. */
  async *follow(options: FollowOptions): AsyncGenerator<readonly StoredEvent[]> {
    this.watch.advance(await this.head());
    yield* followLog(
      {
        readAll: async (after, limit) => this.readThrough(this.watch.reached, after, limit),
        beyond: (after, signal) => this.watch.beyond(after, signal),
      },
      options,
    );
  }

  async head(): Promise<bigint> {
    return this.commits.read(() => this.reader.head());
  }

  /** Followers who wait are woken by a failure, and meet it when they read. */
  private lookAtHead(): bigint {
    try {
      return this.commits.read(() => this.reader.head());
    } catch {
      return this.watch.reached;
    }
  }

  /** @param head - position that the log has come to at least: events in memory behind it may not be committed yet */
  private readThrough(head: bigint, after: bigint, limit: number): StoredEvent[] {
    return this.commits.read(() => {
      if (head <= after) return [];
      const recent = this.recent.between(after, head, limit);
      const through = recent.at(-1)?.position ?? after;
      if (recent.length === limit || through === head) return recent;
      return [...recent, ...this.reader.readAll(through, limit - recent.length)];
    });
  }

  async close(): Promise<void> {
    await this.commits.close(new Error('the event store is closed'));
    this.watch.wakeAll();
    await this.database.close();
  }
}
