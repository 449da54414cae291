import { type AnyBulkWriteOperation, type Collection, type Document, MongoBulkWriteError } from 'mongodb';
import { inTime } from './in-time.js';

const duplicateKey = 11_000;

/**
 * Does all that can be done, in any order.
 * @returns the indexes of the operations that would have inserted a document whose id is there already
 */
export async function writeUnlessThere<Schema extends Document>(
  collection: Collection<Schema>,
  operations: readonly AnyBulkWriteOperation<Schema>[],
): Promise<number[]> {
  try {
    await collection.bulkWrite(operations, { ordered: false, ...inTime() });
    return [];
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError) || error.result.getWriteConcernError()) throw error;
    const refused = [error.writeErrors].flat();
    if (refused.length === 0 || refused.some(({ code }) => code !== duplicateKey)) throw error;
    return refused.map(({ index }) => index);
  }
}
