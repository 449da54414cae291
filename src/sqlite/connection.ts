import Database from 'libsql';
import AsyncDatabase from 'libsql/promise';

/** The part of libsql that we use, typed. */

export type SqliteValue = string | number | bigint | Uint8Array | null;
/** A row's values in the order of its columns. */
export type SqliteRow = SqliteValue[];

/** A prepared statement. It runs on the event loop, some µs a row, and takes its parameters in order. */
export interface Statement {
  run(parameters: readonly SqliteValue[]): { readonly changes: number; readonly lastInsertRowid: number | bigint };
  get(parameters: readonly SqliteValue[]): SqliteRow | undefined;
  all(parameters: readonly SqliteValue[]): SqliteRow[];
}

/** A writer's statement; libsql has no `all` of it that runs on the event loop. */
export type WriterStatement = Pick<Statement, 'run' | 'get'>;

/** A connection for short reads: everything runs on the event loop. */
export interface Reader {
  prepare(sql: string): Statement;
  close(): void;
}

/** A connection for writing: `exec` and `prepare` run off the event loop, so that nobody waits for the disk. */
export interface Writer {
  /**
   * Begins a transaction that holds the write lock. Runs on the event loop, since a hop to another thread costs ten times
   * as much as taking the lock.
   * @throws {Error} `SQLITE_BUSY` where another connection holds it
   */
  begin(): Promise<void>;
  exec(sql: string): Promise<void>;
  prepare(sql: string): Promise<WriterStatement>;
  close(): void;
}

/** @throws {Error} if the file can't be opened */
export function openReader(path: string, busyTimeoutMs: number): Reader {
  const database = new Database(path, { timeout: busyTimeoutMs });
  return {
    prepare(sql) {
      const statement = database.prepare(sql);
      return (statement.reader ? statement.raw() : statement) as unknown as Statement;
    },
    close: () => database.close(),
  };
}

/** @throws {Error} if the file can't be opened */
export function openWriter(path: string, busyTimeoutMs: number): Writer {
  const database = new AsyncDatabase(path, { timeout: busyTimeoutMs });
  let begin: WriterStatement | undefined;
  return {
    async begin() {
      const statement = begin ?? (await database.prepare('BEGIN IMMEDIATE'));
      begin = statement;
      statement.run([]);
    },
    exec: (sql) => database.exec(sql),
    async prepare(sql) {
      const statement = await database.prepare(sql);
      return statement.reader ? statement.raw() : statement;
    },
    close: () => database.close(),
  };
}

/** SQLite's name of what went wrong, such as `SQLITE_BUSY`; undefined for an error that is not SQLite's. */
export function sqliteCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  // libsql tells a failure to open the file only in words.
  if (error.message.startsWith('ConnectionFailed')) return 'SQLITE_CANTOPEN';
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
