import { openReader, type SqliteRow, type SqliteValue, type Statement } from '../sqlite/connection.js';
import { assertIndexed } from './indexed.js';
import type { Document, Found, Query, Reader } from './port.js';
import { selectFor } from './sqlite-query.js';
import { fieldsOfIndex, tableOf } from './sqlite-schema.js';

/** How long a read waits where SQLite must lock, which in WAL mode it hardly ever does. */
const busyTimeoutMs = 5_000;

interface LiveCollection {
  /** A quoted name. */
  readonly table: string;
  /** Of its indexes. */
  readonly fields: ReadonlySet<string>;
}

/** A connection that reads; each call takes microseconds, on the event loop. */
export class ReadConnection {
  readonly #connection;
  readonly #statements = new Map<string, Statement>();
  /** As of the change that `#seen` counts. */
  #live: ReadonlyMap<string, LiveCollection> = new Map();
  #seen = -1;

  constructor(path: string) {
    this.#connection = openReader(path, busyTimeoutMs);
  }

  row(sql: string, parameters: readonly SqliteValue[] = []): SqliteRow | undefined {
    return this.#statement(sql).get(parameters);
  }

  rows(sql: string, parameters: readonly SqliteValue[] = []): SqliteRow[] {
    return this.#statement(sql).all(parameters);
  }

  /** All reads until `end` see the moment of the first one. */
  begin(): void {
    this.#statement('BEGIN').run([]);
    const changes = this.row('PRAGMA user_version')?.[0] as number;
    if (changes !== this.#seen) this.#lookAgain(changes);
  }

  end(): void {
    try {
      this.#statement('COMMIT').run([]);
    } catch {
      // After some errors SQLite has ended the transaction by itself; the error itself is on its way to the caller.
    }
  }

  /** @throws {Error} if no live generation has such a collection */
  liveCollection(collection: string): LiveCollection {
    const live = this.#live.get(collection);
    if (!live) throw new Error(`no projection with the collection ${collection} has been opened`);
    return live;
  }

  close(): void {
    this.#statements.clear();
    this.#connection.close();
  }

  #lookAgain(changes: number): void {
    this.#statements.clear();
    const live = this.rows(
      'SELECT c.name, c.generation FROM collections c JOIN generations g USING (projection, generation) WHERE g.live',
    ) as [string, number][];
    this.#live = new Map(live.map(([name, generation]) => [name, this.#collection(name, generation)]));
    this.#seen = changes;
  }

  #collection(name: string, generation: number): LiveCollection {
    const sql = "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ?";
    const indexes = this.rows(sql, [`${name}_${generation}`]) as [string][];
    return { table: tableOf(name, generation), fields: new Set(indexes.flatMap(([index]) => fieldsOfIndex(index))) };
  }

  #statement(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#connection.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** Reads live generations in one read transaction, which begins at the first read. */
export class TransactionReader implements Reader {
  #begun = false;

  constructor(readonly connection: ReadConnection) {}

  async get<T = Document>(collection: string, id: string): Promise<T | undefined> {
    const { table } = this.#collection(collection);
    const row = this.connection.row(`SELECT body FROM ${table} WHERE id = ?`, [id]);
    return row && JSON.parse(row[0] as string);
  }

  async getMany<T = Document>(collection: string, ids: readonly string[]): Promise<Map<string, T>> {
    if (ids.length === 0) return new Map();
    const { table } = this.#collection(collection);
    const sql = `SELECT id, body FROM ${table} WHERE id IN (SELECT value FROM json_each(?))`;
    const rows = this.connection.rows(sql, [JSON.stringify(ids)]) as [string, string][];
    return new Map(rows.map(([id, body]) => [id, JSON.parse(body)]));
  }

  async find<T = Document>(collection: string, query: Query): Promise<Found<T>[]> {
    const { table, fields } = this.#collection(collection);
    assertIndexed(collection, query, fields);
    const { sql, parameters } = selectFor(table, query);
    const rows = this.connection.rows(sql, parameters) as [string, string][];
    return rows.map(([id, body]) => ({ id, document: JSON.parse(body) }));
  }

  end(): void {
    if (this.#begun) this.connection.end();
    this.#begun = false;
  }

  #collection(name: string): LiveCollection {
    if (!this.#begun) this.connection.begin();
    this.#begun = true;
    return this.connection.liveCollection(name);
  }
}
