import { openReader, type Reader } from './connection.js';

/** How long to wait where SQLite must lock, which in WAL mode it hardly ever does. */
const busyTimeoutMs = 5_000;

export interface Inspection {
  /** Version of SQLite. */
  readonly sqlite: string;
  /** What is wrong in the file, as SQLite says it; undefined if nothing is. */
  readonly damage: string | undefined;
}

/**
 * Reads a whole file, in which damage may be that is met only by whoever comes to that page; also whether its indexes
 * have what its tables have.
 * @throws {Error} if the file can't be opened
 */
export function inspectFile(path: string): Inspection {
  const reader = openReader(path, busyTimeoutMs);
  try {
    return { sqlite: String(reader.prepare('SELECT sqlite_version()').get([])?.[0]), damage: damageIn(reader) };
  } finally {
    reader.close();
  }
}

function damageIn(reader: Reader): string | undefined {
  try {
    const verdict = reader.prepare('PRAGMA integrity_check(1)').get([])?.[0];
    return verdict === 'ok' ? undefined : String(verdict);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
