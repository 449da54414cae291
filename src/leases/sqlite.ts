import { openReader, type Reader, type SqliteRow, type Statement } from '../sqlite/connection.js';
import type { LeaseRecord, LeaseStore } from './port.js';

/** How long to wait for another process that writes. */
const busyTimeoutMs = 2_000;

/**
 * Leases in a SQLite file, for the processes of one machine. Written on the event loop and never synced: a lease that is
 * gone with the machine's power is held by nobody.
 * @throws {Error} if the file can't be opened or made
 */
export function openSqliteLeases(path: string): LeaseStore {
  const connection = openReader(path, busyTimeoutMs);
  connection.prepare('PRAGMA journal_mode = WAL').get([]);
  connection.prepare('PRAGMA synchronous = OFF').run([]);
  connection
    .prepare(
      `CREATE TABLE IF NOT EXISTS leases (
        name TEXT PRIMARY KEY, holder TEXT NOT NULL, epoch INTEGER NOT NULL, counter INTEGER NOT NULL, note TEXT NOT NULL
      ) STRICT, WITHOUT ROWID`,
    )
    .run([]);
  return new SqliteLeases(connection);
}

class SqliteLeases implements LeaseStore {
  readonly #select: Statement;
  readonly #list: Statement;
  readonly #insert: Statement;
  readonly #update: Statement;
  readonly #delete: Statement;

  constructor(private readonly connection: Reader) {
    const same = 'name = ? AND epoch = ? AND counter = ?';
    this.#select = connection.prepare('SELECT name, holder, epoch, counter, note FROM leases WHERE name = ?');
    this.#list = connection.prepare(
      'SELECT name, holder, epoch, counter, note FROM leases WHERE name >= ? AND name < ? ORDER BY name',
    );
    this.#insert = connection.prepare(
      'INSERT OR IGNORE INTO leases (name, holder, epoch, counter, note) VALUES (?, ?, ?, ?, ?)',
    );
    this.#update = connection.prepare(`UPDATE leases SET holder = ?, epoch = ?, counter = ?, note = ? WHERE ${same}`);
    this.#delete = connection.prepare(`DELETE FROM leases WHERE ${same}`);
  }

  async read(name: string): Promise<LeaseRecord | undefined> {
    const row = this.#select.get([name]);
    return row && recordOf(row);
  }

  async list(prefix: string): Promise<Map<string, LeaseRecord>> {
    const rows = this.#list.all([prefix, `${prefix}\uffff`]);
    return new Map(rows.map((row) => [row[0] as string, recordOf(row)]));
  }

  async compareAndSet(
    name: string,
    expected: LeaseRecord | undefined,
    next: LeaseRecord | undefined,
  ): Promise<boolean> {
    if (!expected)
      return !next || this.#insert.run([name, next.holder, next.epoch, next.counter, next.note]).changes === 1;
    const same = [name, expected.epoch, expected.counter];
    if (!next) return this.#delete.run(same).changes === 1;
    return this.#update.run([next.holder, next.epoch, next.counter, next.note, ...same]).changes === 1;
  }

  async close(): Promise<void> {
    this.connection.close();
  }
}

function recordOf([, holder, epoch, counter, note]: SqliteRow): LeaseRecord {
  return { holder: holder as string, epoch: Number(epoch), counter: Number(counter), note: note as string };
}
