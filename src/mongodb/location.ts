/** Where a database of a MongoDB server is. */
export interface MongoLocation {
  /** May hold credentials: not to be shown. */
  readonly url: string;
  readonly database: string;
}

/**
 * Reads `mongodb://host:port/database?option=value`, or `mongodb+srv://`, with `user:password@` before the first host
 * and more hosts behind commas.
 * @param otherwise - the database where none is named
 * @returns undefined where it does not read so
 */
export function parseMongoLocation(url: string, otherwise: string): MongoLocation | undefined {
  const parts = /^mongodb(?:\+srv)?:\/\/(?:[^@/?]+@)?[^@/?]+(?:\/([^/?]*))?(?:\?.*)?$/.exec(url);
  if (!parts) return undefined;
  const database = parts[1] ? unescaped(parts[1]) : otherwise;
  return isDatabase(database) ? { url, database } : undefined;
}

/** The database on the same server for what must outlive the one named. */
export function besides({ url, database }: MongoLocation, what: string): MongoLocation {
  return { url, database: `${database.slice(0, longestDatabase - what.length - 1)}-${what}` };
}

/** The longest name of a database, in bytes. */
const longestDatabase = 63;

function isDatabase(name: string): boolean {
  return /^[A-Za-z0-9_-]+$/.test(name) && name.length <= longestDatabase;
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
