import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openReader, openWriter, type Reader, sqliteCode, type Writer } from './connection.js';

/** What a file of ours holds. */
export interface SqliteFormat {
  /** What people call it, such as `event log`. */
  readonly content: string;
  /** Written into the file's header, so that no other file is taken for it. */
  readonly applicationId: number;
  /** Version of `schema`, from 1. */
  readonly version: number;
  /** Statements that make the tables in an empty file. */
  readonly schema: string;
  /** A query that is cheap and reads where the file was last written, where damage is likely. */
  readonly probe: string;
  /** Overwrite what is deleted with zeros. */
  readonly secureDelete?: boolean;
}

/** One writing connection and one for reads, over a file in which a commit is on disk before it is told. */
export interface SqliteDatabase {
  readonly writer: Writer;
  readonly reader: Reader;
  /** Leaves everything in the one file, if no other process has it open. */
  close(): Promise<void>;
}

/** A database file can't be used; the message names it and says what to do. */
export class StoreUnusable extends Error {}

/** How long to wait while another connection writes. */
const busyTimeoutMs = 5_000;

/**
 * Opens the file, or makes it.
 * @throws {StoreUnusable}
 */
export async function openSqlite(path: string, format: SqliteFormat): Promise<SqliteDatabase> {
  let writer: Writer | undefined;
  try {
    writer = openWriter(path, busyTimeoutMs);
    await makeDurable(writer, format, path);
    // From here on `beginWriting` waits.
    await pragma(writer, 'busy_timeout = 0');
    await inTransaction(writer, (connection) => checkFormat(connection, format, path));
    const reader = openReader(path, busyTimeoutMs);
    return { writer, reader, close: () => closeBoth(writer as Writer, reader) };
  } catch (error) {
    writer?.close();
    if (error instanceof StoreUnusable) throw error;
    const reason = await describeUnusable(path, error);
    throw new StoreUnusable(`The ${format.content} ${path} ${reason}.`, { cause: error });
  }
}

async function closeBoth(writer: Writer, reader: Reader): Promise<void> {
  reader.close();
  // SQLite does that by itself with the last connection, but libsql's live on until their statements are collected.
  await writer.exec('PRAGMA wal_checkpoint(TRUNCATE)').catch(() => {});
  writer.close();
}

async function makeDurable(writer: Writer, format: SqliteFormat, path: string): Promise<void> {
  const journal = await pragma(writer, 'journal_mode = WAL');
  // FULL: each commit waits until the disk has it. NORMAL would lose acknowledged commits at a loss of power.
  await writer.exec('PRAGMA synchronous = FULL');
  // `GroupCommit` does it, and hears of failures.
  await pragma(writer, 'wal_autocheckpoint = 0');
  if (format.secureDelete) await pragma(writer, 'secure_delete = ON');
  const synchronous = await pragma(writer, 'synchronous');
  if (journal !== 'wal' || synchronous !== 2) {
    throw new StoreUnusable(
      `The ${format.content} ${path} can't be written durably (journal ${journal}, synchronous ${synchronous}): ` +
        'put it on a local file system.',
    );
  }
}

/** Taking the write lock shows that the file can be written, and keeps two processes from making its tables at once. */
async function checkFormat(writer: Writer, format: SqliteFormat, path: string): Promise<void> {
  const applicationId = await pragma(writer, 'application_id');
  const version = await pragma(writer, 'user_version');
  const tables = (await writer.prepare('SELECT count(*) FROM sqlite_schema')).get([])?.[0];
  if (tables === 0 && applicationId === 0) {
    await writer.exec(
      `${format.schema}; PRAGMA application_id = ${format.applicationId}; PRAGMA user_version = ${format.version}`,
    );
  } else if (applicationId !== format.applicationId) {
    throw new StoreUnusable(`${path} is not Parley's ${format.content} but another database: name another file.`);
  } else if (version !== format.version) {
    throw new StoreUnusable(
      `The ${format.content} ${path} has format ${version}, this Parley knows ${format.version}: run the version of ` +
        'Parley that wrote it.',
    );
  }
  (await writer.prepare(format.probe)).get([]);
  // Changes nothing but is written: a disk that takes no more is found out before anybody's command is.
  await writer.exec(`PRAGMA user_version = ${format.version}`);
}

/**
 * Begins a transaction that holds the write lock; the caller ends it. Waits here and not in SQLite, which would occupy
 * one of libsql's few threads: perhaps the very one that the holder of the lock needs for its commit.
 * @throws {Error} `SQLITE_BUSY` if others hold the lock for 5 s
 */
export async function beginWriting(writer: Writer): Promise<void> {
  const deadline = performance.now() + busyTimeoutMs;
  for (;;) {
    try {
      return await writer.begin();
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
      await delay(1 + Math.random() * 4);
    }
  }
}

export function isBusy(error: unknown): boolean {
  return sqliteCode(error)?.startsWith('SQLITE_BUSY') ?? false;
}

/** Runs a body in a transaction that holds the write lock, and undoes all of it if it throws. */
export async function inTransaction(writer: Writer, body: (writer: Writer) => Promise<void>): Promise<void> {
  await beginWriting(writer);
  try {
    await body(writer);
    await writer.exec('COMMIT');
  } catch (error) {
    await writer.exec('ROLLBACK').catch(() => {});
    throw error;
  }
}

async function pragma(writer: Writer, source: string): Promise<unknown> {
  return (await writer.prepare(`PRAGMA ${source}`)).get([])?.[0];
}

interface Advice {
  readonly problem: string;
  readonly remedy: string;
}

const full: Advice = { problem: "can't be written, the disk is full", remedy: 'make room' };

/** By SQLite's primary codes. */
const advice: Readonly<Record<string, Advice>> = {
  SQLITE_NOTADB: {
    problem: 'is damaged or not a database',
    remedy: 'restore it from a backup or name another file',
  },
  SQLITE_CORRUPT: { problem: 'is damaged', remedy: 'restore it from a backup' },
  SQLITE_CANTOPEN: {
    problem: "can't be opened",
    remedy: 'check that its directory exists and may be written by this user',
  },
  SQLITE_READONLY: { problem: "can't be written", remedy: 'check who owns the file and its directory' },
  SQLITE_FULL: full,
  SQLITE_IOERR: { problem: "can't be read or written", remedy: 'check the disk' },
  SQLITE_BUSY: { problem: 'is locked by another program', remedy: 'end that program' },
};

/** Extended codes begin with their primary one, such as SQLITE_READONLY_DIRECTORY. */
function adviceOn(error: unknown): Advice | undefined {
  const code = sqliteCode(error) ?? '';
  return Object.entries(advice).find(([name]) => code.startsWith(name))?.[1];
}

/** What to do about a failure of SQLite. */
export function remedyOf(error: unknown): string {
  return adviceOn(error)?.remedy ?? 'start again';
}

/** Why a file could not be opened, and what to do about it: what is to be said after its name. */
export async function describeUnusable(path: string, error: unknown): Promise<string> {
  const isDamaged = /^SQLITE_(CORRUPT|NOTADB)/.test(sqliteCode(error) ?? '');
  // A full disk has many names: what SQLite can't do beside the file, it tells as an I/O error or as nothing that opens.
  const known = !isDamaged && (await isOnFullDisk(path)) ? full : adviceOn(error);
  return known
    ? `${known.problem}: ${known.remedy}`
    : `can't be used (${error instanceof Error ? error.message : error})`;
}

/** Less than SQLite needs beside a file to open it. */
const leastBytes = 64 * 1024;

async function isOnFullDisk(path: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(dirname(path)).catch(() => ({ bavail: 1, bsize: leastBytes }));
  return bavail * bsize < leastBytes;
}
