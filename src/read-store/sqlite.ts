import { open } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { describeUnusable } from '../sqlite/database.js';
import {
  type Document,
  type DocumentWrite,
  type Generation,
  GenerationGone,
  type LoadedDocument,
  type ProjectionShape,
  type Reader,
  type ReadStore,
  ReadStoreUnusable,
  type WriteOptions,
} from './port.js';
import {
  advanceCheckpoint,
  checkpointOf,
  checkpointQuery,
  dropOthers,
  dropUnlessLive,
  ensureLive,
  insertGeneration,
  makeLive,
} from './sqlite-generations.js';
import { type ReadConnection, TransactionReader } from './sqlite-reader.js';
import { ReadConnections } from './sqlite-readers.js';
import { corruption, fieldOf, layoutOf, tableOf, unusable } from './sqlite-schema.js';
import { SqliteScrubber, unscrubbedTable } from './sqlite-scrubber.js';
import { SqliteWriter } from './sqlite-writer.js';

const rowsOfDumpAtOnce = 500;
/** A few milliseconds' work. */
const documentsLookedAtAtOnce = 2_000;
/** After all text, as SQLite compares. */
const lastId = Buffer.alloc(0);

export interface SqliteReadStoreOptions {
  /** Told when the file could not be cleaned of what was erased; it is tried again. */
  readonly onError?: (error: unknown) => void;
}

/**
 * A read store in one SQLite file.
 * @throws {ReadStoreUnusable} if the file is corrupt or not a read store, and can be deleted; or can't be opened or made
 */
export async function openSqliteReadStore(
  path: string,
  { onError = () => {} }: SqliteReadStoreOptions = {},
): Promise<ReadStore> {
  try {
    return await telling(path, () => openStore(path, onError));
  } catch (error) {
    if (error instanceof ReadStoreUnusable) throw error;
    throw new ReadStoreUnusable(`The read store ${path} ${await describeUnusable(path, error)}.`, { cause: error });
  }
}

async function openStore(path: string, onError: (error: unknown) => void): Promise<ReadStore> {
  // Read models are in clear: for our eyes only. The files beside it get the same rights.
  await (await open(path, 'a', 0o600)).close();
  const writer = await SqliteWriter.open(path);
  const scrubber = new SqliteScrubber(path, writer, onError);
  try {
    await writer.transaction(() => prepareLayout(writer, path));
    await scrubber.start();
  } catch (error) {
    await writer.close();
    throw error;
  }
  return new SqliteReadStore(path, writer, scrubber);
}

async function prepareLayout(writer: SqliteWriter, path: string): Promise<void> {
  const applicationId = (await writer.row('PRAGMA application_id'))?.[0] as number;
  const tables = (await writer.row('SELECT count(*) FROM sqlite_schema'))?.[0] as number;
  await writer.exec(layoutOf(path, applicationId, tables === 0));
  await writer.exec(unscrubbedTable);
}

/** Runs `body`, and says of a corrupt file what can be done about it. */
async function telling<T>(path: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    throw told(path, error);
  }
}

function told(path: string, error: unknown): unknown {
  const why = corruption(error);
  return why ? unusable(path, why) : error;
}

class SqliteReadStore implements ReadStore {
  readonly #readers: ReadConnections;

  constructor(
    private readonly path: string,
    private readonly writer: SqliteWriter,
    private readonly scrubber: SqliteScrubber,
  ) {
    this.#readers = new ReadConnections(path);
  }

  open(projection: ProjectionShape): Promise<Generation> {
    return this.#transaction(() => ensureLive(this.writer, projection));
  }

  begin(projection: ProjectionShape): Promise<Generation> {
    return this.#transaction(async () => {
      await dropOthers(this.writer, projection.name);
      return insertGeneration(this.writer, projection, false);
    });
  }

  async promote(generation: Generation): Promise<void> {
    await this.#transaction(() => makeLive(this.writer, generation));
    await this.#transaction(() => dropOthers(this.writer, generation.projection));
  }

  discard(generation: Generation): Promise<void> {
    return this.#transaction(() => dropUnlessLive(this.writer, generation));
  }

  discardUnfinished(projection: string): Promise<void> {
    return this.#transaction(async () => {
      // What is dropped may hold what is to be forgotten.
      if (await dropOthers(this.writer, projection)) await this.scrubber.note();
    });
  }

  checkpoint(generation: Generation): Promise<bigint> {
    return this.#use((connection) => checkpointIn(connection, generation));
  }

  load(generation: Generation, collection: string, ids: readonly string[]): Promise<Map<string, LoadedDocument>> {
    return this.#use((connection) =>
      inTransaction(connection, () => {
        const position = checkpointIn(connection, generation);
        const loaded = new Map<string, LoadedDocument>(ids.map((id) => [id, { document: undefined, position }]));
        const table = tableOf(collection, generation.generation);
        const sql = `SELECT id, body FROM ${table} WHERE id IN (SELECT value FROM json_each(?))`;
        for (const [id, body] of connection.rows(sql, [JSON.stringify(ids)]) as [string, string][]) {
          loaded.set(id, { document: JSON.parse(body), position });
        }
        return loaded;
      }),
    );
  }

  /**
   * Looks at each document: another index would have three times the work done for each one written. In small steps,
   * since it is done on the event loop.
   */
  idsNaming(generation: Generation, collection: string, field: string, person: string): Promise<string[]> {
    const table = tableOf(collection, generation.generation);
    const end = `SELECT id FROM ${table} WHERE id > ? ORDER BY id LIMIT 1 OFFSET ${documentsLookedAtAtOnce}`;
    const named = `SELECT id FROM ${table} WHERE id > ? AND id <= ? AND ${fieldOf(field)} = ?`;
    return this.#use(async (connection) => {
      const ids: string[] = [];
      for (let after: string | undefined = ''; after !== undefined; ) {
        const from: string = after;
        after = inTransaction(connection, () => {
          checkpointIn(connection, generation);
          const through = connection.row(end, [from])?.[0] as string | undefined;
          const found = connection.rows(named, [from, through ?? lastId, person]);
          ids.push(...found.map(([id]) => id as string));
          return through;
        });
        await setImmediate();
      }
      return ids;
    });
  }

  write(
    generation: Generation,
    writes: readonly DocumentWrite[],
    position: bigint,
    { erasing = false }: WriteOptions = {},
  ): Promise<void> {
    const collections = byCollection(writes);
    return this.#transaction(async () => {
      if (!(await advanceCheckpoint(this.writer, generation, position))) return;
      await this.#writeDocuments(generation, collections);
      if (erasing && writes.length > 0) await this.scrubber.note();
    });
  }

  put(generation: Generation, writes: readonly DocumentWrite[]): Promise<void> {
    const collections = byCollection(writes);
    return this.#transaction(async () => {
      await checkpointOf(this.writer, generation);
      await this.#writeDocuments(generation, collections);
    });
  }

  async *dump(generation: Generation): AsyncIterable<{ collection: string; id: string; document: Document }> {
    const connection = this.#readers.take();
    try {
      connection.begin();
      yield* documentsIn(connection, generation);
    } catch (error) {
      throw told(this.path, error);
    } finally {
      connection.end();
      this.#readers.giveBack(connection);
    }
  }

  read<T>(body: (reader: Reader) => Promise<T> | T): Promise<T> {
    return this.#use(async (connection) => {
      const reader = new TransactionReader(connection);
      try {
        return await body(reader);
      } finally {
        reader.end();
      }
    });
  }

  liveCheckpoint(projection: string): Promise<bigint> {
    const sql = 'SELECT CAST(checkpoint AS TEXT) FROM generations WHERE projection = ? AND live';
    return this.#use((connection) => BigInt((connection.row(sql, [projection])?.[0] as string | undefined) ?? 0));
  }

  async close(): Promise<void> {
    await this.scrubber.close();
    this.#readers.close();
    await this.writer.close();
  }

  async #writeDocuments(generation: Generation, collections: ReadonlyMap<string, CollectionWrites>): Promise<void> {
    for (const [collection, { kept, deleted }] of collections) {
      const table = tableOf(collection, generation.generation);
      if (kept.length > 0) {
        await this.writer.runWithJson(
          `INSERT INTO ${table} (id, body) SELECT key, value FROM json_each(?) WHERE true
           ON CONFLICT (id) DO UPDATE SET body = excluded.body`,
          `{${kept.join(',')}}`,
        );
      }
      if (deleted.length > 0) {
        await this.writer.runWithJson(
          `DELETE FROM ${table} WHERE id IN (SELECT value FROM json_each(?))`,
          `[${deleted.join(',')}]`,
        );
      }
    }
  }

  #transaction<T>(body: () => Promise<T>): Promise<T> {
    return telling(this.path, () => this.writer.transaction(body));
  }

  #use<T>(body: (connection: ReadConnection) => Promise<T> | T): Promise<T> {
    return telling(this.path, () => this.#readers.use(body));
  }
}

interface CollectionWrites {
  /** Members of a JSON object: the id and the document. */
  readonly kept: string[];
  /** Ids as JSON. */
  readonly deleted: string[];
}

/** The documents as text, by collection. */
function byCollection(writes: readonly DocumentWrite[]): Map<string, CollectionWrites> {
  const collections = new Map<string, CollectionWrites>();
  for (const { collection, id, document } of writes) {
    let of = collections.get(collection);
    if (!of) {
      of = { kept: [], deleted: [] };
      collections.set(collection, of);
    }
    if (document) of.kept.push(`${JSON.stringify(id)}:${JSON.stringify(document)}`);
    else of.deleted.push(JSON.stringify(id));
  }
  return collections;
}

function checkpointIn(connection: ReadConnection, generation: Generation): bigint {
  const row = connection.row(checkpointQuery, [generation.projection, generation.generation]);
  if (!row) throw new GenerationGone(generation);
  return BigInt(row[0] as string);
}

function inTransaction<T>(connection: ReadConnection, body: () => T): T {
  connection.begin();
  try {
    return body();
  } finally {
    connection.end();
  }
}

async function* documentsIn(connection: ReadConnection, generation: Generation) {
  const names = connection.rows('SELECT name FROM collections WHERE projection = ? AND generation = ? ORDER BY name', [
    generation.projection,
    generation.generation,
  ]) as [string][];
  for (const [collection] of names) {
    const page = `SELECT id, body FROM ${tableOf(collection, generation.generation)} WHERE id > ? ORDER BY id LIMIT ?`;
    let after = '';
    for (;;) {
      const rows = connection.rows(page, [after, rowsOfDumpAtOnce]) as [string, string][];
      for (const [id, body] of rows) yield { collection, id, document: JSON.parse(body) as Document };
      if (rows.length < rowsOfDumpAtOnce) break;
      after = (rows.at(-1) as [string, string])[0];
      await setImmediate();
    }
  }
}
