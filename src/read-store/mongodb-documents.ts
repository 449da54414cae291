import type { AnyBulkWriteOperation, Collection, Db } from 'mongodb';
import { writeUnlessThere } from '../mongodb/bulk-write.js';
import { inTime } from '../mongodb/in-time.js';
import { plainName, plainPath } from './names.js';
import type { Document, DocumentWrite } from './port.js';

/**
 * How read models lie in MongoDB: a collection for each collection and generation. A document is kept as its JSON text,
 * since BSON knows neither every name of a field nor every string; beside it are the fields that it is found by.
 */

type FieldValue = string | number;

export interface StoredDocument {
  readonly _id: string;
  /** All events up to this position are folded in. */
  readonly position: bigint;
  /** JSON; none where the document was deleted. */
  readonly body?: string;
  /** By their `fieldKey`. One that is not there, or null, is left out. */
  readonly fields?: Readonly<Record<string, FieldValue>>;
  /** Marks what is kept of a deleted document, lest a write that comes late makes it again. */
  readonly deletedAt?: Date;
}

/** What is to become of a document. */
export interface PreparedWrite {
  readonly id: string;
  readonly content: Pick<StoredDocument, 'body' | 'fields' | 'deletedAt'>;
}

type Operation = AnyBulkWriteOperation<StoredDocument>;

export function storedCollection(db: Db, collection: string, generation: number): Collection<StoredDocument> {
  return db.collection<StoredDocument>(`${plainName(collection)}_${generation}`);
}

/** @param fields - of the collection's indexes */
export function prepare({ id, document }: DocumentWrite, fields: readonly string[], now: Date): PreparedWrite {
  if (/\p{Surrogate}/u.test(id))
    throw new Error(`not an id of a document, since it is no Unicode: ${JSON.stringify(id)}`);
  if (!document) return { id, content: { deletedAt: now } };
  return { id, content: { body: JSON.stringify(document), fields: fieldsOf(document, fields) } };
}

function fieldsOf(document: Document, paths: readonly string[]): Record<string, FieldValue> {
  const values: Record<string, FieldValue> = {};
  for (const path of paths) {
    const value = fieldValue(document, path);
    if (value !== undefined) values[fieldKey(path)] = value;
  }
  return values;
}

/** What SQLite's `json_extract` makes of a field: truth is a number; objects and lists are their text. */
function fieldValue(document: Document, path: string): FieldValue | undefined {
  let value: unknown = document;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) {
      return undefined;
    }
    value = (value as Document)[name];
  }
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : undefined;
    case 'boolean':
      return Number(value);
    default:
      return value === null ? undefined : JSON.stringify(value);
  }
}

/** A field's name beside the text, where a dot would mean another document within. */
export function fieldKey(path: string): string {
  return plainPath(path).replaceAll('.', '_');
}

/**
 * Writes each document that does not hold all events up to the position yet. What is there already stays: it is one's
 * own, of a batch that is repeated, or that of somebody who is ahead.
 */
export async function writeGuarded(
  collection: Collection<StoredDocument>,
  writes: readonly PreparedWrite[],
  position: bigint,
): Promise<void> {
  const guarded = ({ id, content }: PreparedWrite, upsert: boolean): Operation => ({
    replaceOne: { filter: { _id: id, position: { $lt: position } }, replacement: { position, ...content }, upsert },
  });
  const there = await writeUnlessThere(
    collection,
    writes.map((write) => guarded(write, true)),
  );
  if (there.length === 0) return;
  // What is there need not be ahead: somebody may have inserted an older document at the same time.
  const again = there.map((index) => guarded(writes[index] as PreparedWrite, false));
  await collection.bulkWrite(again, { ordered: false, ...inTime() });
}

/** Writes documents whatever is there, and leaves their positions. */
export async function writeUnguarded(
  collection: Collection<StoredDocument>,
  writes: readonly PreparedWrite[],
): Promise<void> {
  await collection.bulkWrite(writes.map(unguarded), { ordered: false, ...inTime() });
}

function unguarded({ id, content }: PreparedWrite): Operation {
  if (content.body === undefined) return { deleteOne: { filter: { _id: id } } };
  return {
    updateOne: {
      filter: { _id: id },
      update: { $set: content, $unset: { deletedAt: '' }, $setOnInsert: { position: 0n } },
      upsert: true,
    },
  };
}
