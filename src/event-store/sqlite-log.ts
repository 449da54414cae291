import type { SqliteRow, Statement, WriterStatement } from '../sqlite/connection.js';
import type { SqliteDatabase, SqliteFormat } from '../sqlite/database.js';
import type { Texts } from '../sqlite/inspection.js';
import type { LogView } from './append.js';
import type { EncodedEvent, ReadStreamOptions, StoredEvent } from './port.js';

/**
 * A row's id is its event's position. Rows are never deleted, so that ids follow each other without gaps: a transaction
 * that is rolled back takes none.
 */
export const logFormat: SqliteFormat = {
  content: 'event log',
  applicationId: 0x5061_724c,
  version: 1,
  schema: `
    CREATE TABLE events (
      position INTEGER PRIMARY KEY,
      stream TEXT NOT NULL,
      revision INTEGER NOT NULL,
      id TEXT NOT NULL,
      type TEXT NOT NULL,
      data TEXT NOT NULL,
      metadata TEXT NOT NULL,
      UNIQUE (stream, revision)
    ) STRICT`,
  probe: 'SELECT * FROM events ORDER BY position DESC LIMIT 1',
};

/** What damage is looked for in. */
export const logTexts: Texts = {
  place: 'position',
  sql: `SELECT position, CAST(stream || id || type || data || metadata AS BLOB) FROM events
        WHERE position > ? ORDER BY position LIMIT ?`,
};

const columns = 'position, stream, revision, id, type, data, metadata';
const headRevisionSql = 'SELECT max(revision) FROM events WHERE stream = ?';
const atSql = `SELECT ${columns} FROM events WHERE stream = ? AND revision = ?`;
const forwardsSql = `SELECT ${columns} FROM events WHERE stream = ? AND revision >= ? ORDER BY revision LIMIT ?`;
const backwardsSql = `SELECT ${columns} FROM events WHERE stream = ? AND revision <= ? ORDER BY revision DESC LIMIT ?`;
const allSql = `SELECT ${columns} FROM events WHERE position > ? ORDER BY position LIMIT ?`;
const insertSql = 'INSERT INTO events (stream, revision, id, type, data, metadata) VALUES (?, ?, ?, ?, ?, ?)';

function eventOfRow(row: SqliteRow): StoredEvent {
  const [position, stream, revision, id, type, data, metadata] = row as [
    number,
    string,
    number,
    string,
    string,
    string,
    string,
  ];
  return { id, type, data, metadata, stream, revision, position: BigInt(position) };
}

/** Reads of what is committed. Each is whole when it returns: no cursor is held. */
export class LogReader {
  private readonly headStatement: Statement;
  private readonly forwards: Statement;
  private readonly backwards: Statement;
  private readonly all: Statement;

  constructor({ reader }: SqliteDatabase) {
    this.headStatement = reader.prepare('SELECT max(position) FROM events');
    this.forwards = reader.prepare(forwardsSql);
    this.backwards = reader.prepare(backwardsSql);
    this.all = reader.prepare(allSql);
  }

  head(): bigint {
    return BigInt((this.headStatement.get([])?.[0] as number | null) ?? 0);
  }

  readStream(stream: string, { from, direction, limit }: ReadStreamOptions): StoredEvent[] {
    const rows =
      direction === 'backwards'
        ? this.backwards.all([stream, from ?? Number.MAX_SAFE_INTEGER, limit])
        : this.forwards.all([stream, from ?? 0, limit]);
    return rows.map(eventOfRow);
  }

  readAll(after: bigint, limit: number): StoredEvent[] {
    return this.all.all([after, limit]).map(eventOfRow);
  }
}

/** The log as the writing transaction sees and extends it. */
export class LogWriter implements LogView {
  private constructor(
    private readonly headStatement: WriterStatement,
    private readonly atStatement: WriterStatement,
    private readonly insertStatement: WriterStatement,
  ) {}

  static async open({ writer }: SqliteDatabase): Promise<LogWriter> {
    return new LogWriter(
      await writer.prepare(headRevisionSql),
      await writer.prepare(atSql),
      await writer.prepare(insertSql),
    );
  }

  headRevision(stream: string): number {
    return (this.headStatement.get([stream])?.[0] as number | null) ?? -1;
  }

  eventsFrom(stream: string, revision: number, limit: number): StoredEvent[] {
    const events: StoredEvent[] = [];
    for (let at = revision; at < revision + limit; at += 1) {
      const row = this.atStatement.get([stream, at]);
      if (!row) break;
      events.push(eventOfRow(row));
    }
    return events;
  }

  insert(stream: string, revision: number, { id, type, data, metadata }: EncodedEvent): StoredEvent {
    const { lastInsertRowid } = this.insertStatement.run([stream, revision, id, type, data, metadata]);
    return { id, type, data, metadata, stream, revision, position: BigInt(lastInsertRowid) };
  }
}
