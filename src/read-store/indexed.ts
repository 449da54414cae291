import { NotIndexed, type Query } from './port.js';

/**
 * Refuses a query that no index answers, in every adapter alike, so that it is noticed wherever it is tried.
 * @param fields - of the collection's indexes
 * @throws {NotIndexed}
 */
export function assertIndexed(collection: string, { where = {}, orderBy }: Query, fields: ReadonlySet<string>): void {
  const asked = [...Object.keys(where), ...(orderBy === undefined ? [] : [orderBy])];
  for (const field of asked) if (!fields.has(field)) throw new NotIndexed(collection, field);
}
