import { plainName, plainPath } from './names.js';
import { type Generation, ReadStoreUnusable } from './port.js';

/** How read models lie in SQLite: a table for each collection and generation, and what generations there are. */

/** Marks our files, and the layout of the tables below: raised when it changes. */
const layout = 0x70_61_72_01;

/** `user_version` counts the changes of what is live, so that readers know when to look again. */
const tables = `
  CREATE TABLE IF NOT EXISTS generations (
    projection TEXT NOT NULL,
    generation INTEGER NOT NULL,
    version INTEGER NOT NULL,
    live INTEGER NOT NULL,
    checkpoint INTEGER NOT NULL,
    PRIMARY KEY (projection, generation)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS collections (
    projection TEXT NOT NULL,
    generation INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (projection, generation, name)
  ) WITHOUT ROWID;
  PRAGMA application_id = ${layout};`;

/**
 * The statements that make an empty file ours.
 * @throws {ReadStoreUnusable} if the file is one of another layout
 */
export function layoutOf(path: string, applicationId: number, empty: boolean): string {
  if (applicationId === layout) return '';
  if (empty) return tables;
  throw unusable(path, 'it is of another layout');
}

export function unusable(path: string, why: string): ReadStoreUnusable {
  return new ReadStoreUnusable(
    `The read store ${path} can't be used: ${why}. It holds nothing that is not in the log: delete it and the files beside it (-wal, -shm), and it is built again.`,
  );
}

/** SQLite's own words where the error says that the file itself is bad, not its surroundings. */
export function corruption(error: unknown): string | undefined {
  const { code, message } = error as { code?: unknown; message?: string };
  const isCorrupt = typeof code === 'string' && /^SQLITE_(CORRUPT|NOTADB|IOERR_SHORT_READ)/.test(code);
  return isCorrupt ? message : undefined;
}

/** A quoted table name. */
export function tableOf(collection: string, generation: number): string {
  return `"${plainName(collection)}_${generation}"`;
}

/** The statements that make a collection's table and indexes where they are missing. */
export function collectionTable(
  collection: string,
  indexes: readonly (readonly string[])[],
  generation: number,
): string {
  const table = tableOf(collection, generation);
  const statements = [`CREATE TABLE IF NOT EXISTS ${table} (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID`];
  for (const fields of indexes) {
    const name = `${collection}_${generation}${beforeFields}${fields.join('_')}`;
    statements.push(`CREATE INDEX IF NOT EXISTS "${name}" ON ${table} (${fields.map(fieldOf).join(', ')}, id)`);
  }
  return `${statements.join(';\n')};`;
}

const beforeFields = '_by_';

/** The fields of an index, by its name. */
export function fieldsOfIndex(name: string): string[] {
  return name.slice(name.indexOf(beforeFields) + beforeFields.length).split('_');
}

/** A field of the document in SQL; an index is used where an expression is spelt alike. */
export function fieldOf(path: string): string {
  return `json_extract(body, '$.${plainPath(path)}')`;
}

/** A generation in SQL, as a row value. */
export function generationKey({ projection, generation }: Generation): string {
  return `('${plainName(projection)}', ${Number(generation)})`;
}
