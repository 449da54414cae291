import {
  openWriter,
  type SqliteRow,
  type SqliteValue,
  type Writer,
  type WriterStatement,
} from '../sqlite/connection.js';
import { beginWriting } from '../sqlite/database.js';
import { GenerationGone } from './port.js';

/** How long to wait, off the event loop, while another process writes. */
const busyTimeoutMs = 5_000;

/**
 * When to take up the write-ahead log: about as often as SQLite itself, which does it at a thousand pages. A statement is
 * taken to write a page for each row, or for as much text as fills one; indexes and upper pages are as many again.
 */
const pagesBetweenCheckpoints = 500;
const textOfPage = 4 * 1024;

/** About a hundred documents, half a millisecond. */
const muchText = 32 * 1024;

interface Member {
  /** Does the member's writes; returns what tells its caller, once they are committed. */
  run(): Promise<() => void>;
  fail(error: unknown): void;
}

/** The one connection that writes. Transactions that are asked for while one is being committed share the next commit. */
export class SqliteWriter {
  readonly #writer: Writer;
  readonly #statements = new Map<string, WriterStatement>();
  #waiting: Member[] = [];
  #working: Promise<void> | undefined;
  #pagesSinceCheckpoint = 0;
  #checkpointed = false;
  /** Whether the transaction has much to write. */
  #large = false;

  private constructor(writer: Writer) {
    this.#writer = writer;
  }

  static async open(path: string): Promise<SqliteWriter> {
    const writer = new SqliteWriter(openWriter(path, busyTimeoutMs));
    await writer.row('PRAGMA journal_mode = WAL');
    // Documents and checkpoints go back together at a loss of power, and are folded again: no need to wait for the disk.
    await writer.exec('PRAGMA synchronous = NORMAL');
    await writer.row('PRAGMA wal_autocheckpoint = 0');
    await writer.row('PRAGMA secure_delete = ON');
    await writer.exec('PRAGMA cache_size = -16000');
    // From here on `beginWriting` waits.
    await writer.row('PRAGMA busy_timeout = 0');
    return writer;
  }

  /**
   * Runs `body` in a transaction and resolves once it is committed. Where it throws GenerationGone, before it writes
   * anything, the others that share the transaction are still committed; any other error undoes them all.
   */
  transaction<T>(body: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        fail: reject,
        async run() {
          try {
            const result = await body();
            return () => resolve(result);
          } catch (error) {
            if (error instanceof GenerationGone) return () => reject(error);
            throw error;
          }
        },
      });
      this.#working ??= this.#work();
    });
  }

  async row(sql: string, parameters: readonly SqliteValue[] = []): Promise<SqliteRow | undefined> {
    return (await this.#statement(sql)).get(parameters);
  }

  /** @returns how many rows it changed */
  async run(sql: string, parameters: readonly SqliteValue[]): Promise<number> {
    const { changes } = (await this.#statement(sql)).run(parameters);
    this.#pagesSinceCheckpoint += changes;
    return changes;
  }

  /**
   * Runs a statement with JSON text as its one parameter: many rows in one crossing into SQLite. libsql runs prepared
   * statements on the event loop and only whole texts off it; those must be parsed, so they are for much work.
   */
  async runWithJson(sql: string, json: string): Promise<void> {
    if (json.length < muchText) {
      await this.run(sql, [json]);
      return;
    }
    this.#pagesSinceCheckpoint += json.length / textOfPage;
    this.#large = true;
    await this.#writer.exec(sql.replace('?', () => `'${json.replaceAll("'", "''")}'`));
  }

  /** Runs statements off the event loop. Tables may have changed after it. */
  async exec(sql: string): Promise<void> {
    this.#statements.clear();
    this.#pagesSinceCheckpoint += pagesBetweenCheckpoints;
    await this.#writer.exec(sql);
  }

  /** Runs `body`, which needs the file for itself; what is asked for meanwhile waits. */
  async pauseFor(body: () => Promise<void>): Promise<void> {
    while (this.#working) await this.#working;
    const paused = body();
    this.#checkpointed = true;
    this.#working = paused
      .catch(() => undefined)
      .then(() => {
        this.#working = this.#waiting.length > 0 ? this.#work() : undefined;
      });
    await paused;
  }

  async close(): Promise<void> {
    await this.#working;
    this.#statements.clear();
    // So that the next start has nothing to recover. Where it fails, it is recovered then.
    await this.#writer.exec('PRAGMA wal_checkpoint(TRUNCATE)').catch(() => {});
    this.#writer.close();
  }

  async #work(): Promise<void> {
    // What is asked for in the same turn of the event loop is committed together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      await this.#commit(this.#waiting.splice(0));
      if (this.#pagesSinceCheckpoint >= pagesBetweenCheckpoints) await this.#checkpoint();
    }
    this.#working = undefined;
  }

  /**
   * On the event loop, since a commit waits for no disk and a hop to another thread costs ten times as much; but the
   * first one after a checkpoint begins the write-ahead log anew, and that is synced, and a large one takes its time.
   */
  async #endTransaction(): Promise<void> {
    if (this.#checkpointed || this.#large) await this.#writer.exec('COMMIT');
    else (await this.#statement('COMMIT')).run([]);
    this.#checkpointed = false;
    this.#large = false;
  }

  /** Copies the write-ahead log into the file, as far as no reader needs it. Where that fails, the next one does. */
  async #checkpoint(): Promise<void> {
    this.#pagesSinceCheckpoint = 0;
    this.#checkpointed = true;
    await this.#writer.exec('PRAGMA wal_checkpoint(PASSIVE)').catch(() => {});
  }

  async #commit(group: readonly Member[]): Promise<void> {
    try {
      await beginWriting(this.#writer);
      const tellings: (() => void)[] = [];
      for (const member of group) tellings.push(await member.run());
      await this.#endTransaction();
      for (const tell of tellings) tell();
    } catch (error) {
      // Refused where SQLite has rolled back by itself.
      await this.#writer.exec('ROLLBACK').catch(() => {});
      for (const member of group) member.fail(error);
    }
  }

  async #statement(sql: string): Promise<WriterStatement> {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = await this.#writer.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}
