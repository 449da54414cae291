import type { Filter, Sort } from 'mongodb';
import { fieldKey, type StoredDocument } from './mongodb-documents.js';
import type { Query } from './port.js';

export interface Find {
  readonly filter: Filter<StoredDocument>;
  readonly sort: Sort;
  readonly limit: number;
}

/** The find that answers a query as SQLite does: null before numbers, numbers before strings, those by their bytes. */
export function findFor(query: Query): Find {
  const conditions: Filter<StoredDocument>[] = [present];
  for (const [field, value] of Object.entries(query.where ?? {})) {
    conditions.push({ [pathOf(field)]: typeof value === 'boolean' ? Number(value) : value });
  }
  if (query.idAfter !== undefined) conditions.push({ _id: { $gt: query.idAfter } });
  if (query.idBefore !== undefined) conditions.push({ _id: { $lt: query.idBefore } });
  conditions.push(...behind(query));

  const direction = query.descending ? -1 : 1;
  const order = query.orderBy === undefined ? {} : { [pathOf(query.orderBy)]: direction };
  return { filter: { $and: conditions }, sort: { ...order, _id: direction }, limit: query.limit } as Find;
}

/** Documents that are not deleted. */
export const present: Filter<StoredDocument> = { deletedAt: null as never };

/** The conditions for continuing behind a document. Null, which sorts first, is behind nothing. */
function behind({ after, orderBy, descending }: Query): Filter<StoredDocument>[] {
  if (!after) return [];
  const further = descending ? '$lt' : '$gt';
  if (orderBy === undefined) return [{ _id: { [further]: after.id } }];
  const path = pathOf(orderBy);
  const behindIt: Filter<StoredDocument>[] = [
    { [path]: after.value, _id: { [further]: after.id } },
    { [path]: { [further]: after.value } },
  ];
  // The server compares with values of the same type only.
  if (typeof after.value === 'number' && !descending) behindIt.push({ [path]: { $gte: '' } });
  if (typeof after.value === 'string' && descending) behindIt.push({ [path]: { $gte: Number.NEGATIVE_INFINITY } });
  return [{ $or: behindIt }];
}

export function pathOf(field: string): string {
  return `fields.${fieldKey(field)}`;
}
