import { isUtf8 } from 'node:buffer';
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
 * Looks whether a file is in order as far as SQLite can tell without comparing indexes with tables.
 * @throws {Error} if the file can't be opened
 */
export function inspectFile(path: string): Inspection {
  return withReader(path, (reader) => ({
    sqlite: String(reader.prepare('SELECT sqlite_version()').get([])?.[0]),
    damage: complaintOf(reader, 'quick_check'),
  }));
}

/** Texts that are to be looked at as bytes: rows of a number, and a blob of the row's texts. */
export interface Texts {
  /** Takes the number of the last row before, and how many rows it is to find, in their order. */
  readonly sql: string;
  /** What the number is, such as `position`. */
  readonly place: string;
}

/**
 * Reads the whole file, in which damage may be that is met only by whoever comes to that page; also whether its indexes
 * have what its tables have, and whether texts are texts: libsql ends the process where it reads one that is not UTF-8.
 * @returns what is wrong; undefined if nothing is
 * @throws {Error} if the file can't be opened
 */
export function findDamage(path: string, texts?: Texts): string | undefined {
  return withReader(path, (reader) => complaintOf(reader, 'integrity_check') ?? (texts && brokenText(reader, texts)));
}

function withReader<T>(path: string, body: (reader: Reader) => T): T {
  const reader = openReader(path, busyTimeoutMs);
  try {
    return body(reader);
  } finally {
    reader.close();
  }
}

function complaintOf(reader: Reader, check: 'quick_check' | 'integrity_check'): string | undefined {
  try {
    const verdict = reader.prepare(`PRAGMA ${check}(1)`).get([])?.[0];
    return verdict === 'ok' ? undefined : String(verdict);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const rowsAtOnce = 1_000;

function brokenText(reader: Reader, { sql, place }: Texts): string | undefined {
  const statement = reader.prepare(sql);
  for (let after = 0; ; ) {
    const rows = statement.all([after, rowsAtOnce]) as [number, Buffer][];
    const broken = rows.find(([, bytes]) => !isUtf8(bytes));
    if (broken) return `${place} ${broken[0]} holds what is no text`;
    const last = rows.at(-1);
    if (!last) return undefined;
    after = last[0];
  }
}
