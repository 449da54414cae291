import type { Projection } from '../../projections/projection.js';
import { type Document, type Generation, GenerationChanged, type ReadStore } from '../read-store/port.js';

/** Told one by one; more are only counted. */
const differencesTold = 100;

export interface Difference {
  readonly collection: string;
  readonly id: string;
  readonly what: 'only in the live generation' | 'only in the rebuilt one' | 'different';
}

export interface Comparison {
  readonly documents: number;
  readonly differing: number;
  /** The first hundred. */
  readonly differences: readonly Difference[];
}

interface Entry {
  readonly collection: string;
  readonly id: string;
  readonly document: Document;
}

/**
 * Compares a rebuilt generation with the live one, byte for byte.
 * @returns undefined if they can't be compared: they are not at the same position, or of other versions
 */
export async function compareGenerations(
  readStore: ReadStore,
  projection: Projection,
  rebuilt: Generation,
): Promise<Comparison | undefined> {
  const live = await readStore.open(projection);
  const position = await readStore.checkpoint(rebuilt);
  const comparable = async () => live.version === rebuilt.version && (await readStore.checkpoint(live)) === position;
  if (!(await comparable())) return undefined;
  const comparison = await compareEntries(readStore.dump(live), readStore.dump(rebuilt)).catch(unlessChanged);
  return (await comparable()) ? comparison : undefined;
}

function unlessChanged(error: unknown): undefined {
  if (!(error instanceof GenerationChanged)) throw error;
}

async function compareEntries(live: AsyncIterable<Entry>, rebuilt: AsyncIterable<Entry>): Promise<Comparison> {
  const differences: Difference[] = [];
  let documents = 0;
  let differing = 0;
  for await (const [before, after] of inPairs(live, rebuilt)) {
    documents += 1;
    const what = differenceOf(before, after);
    if (!what) continue;
    differing += 1;
    const { collection, id } = (before ?? after) as Entry;
    if (differences.length < differencesTold) differences.push({ collection, id, what });
  }
  return { documents, differing, differences };
}

function differenceOf(before: Entry | undefined, after: Entry | undefined): Difference['what'] | undefined {
  if (!before) return 'only in the rebuilt one';
  if (!after) return 'only in the live generation';
  return JSON.stringify(before.document) === JSON.stringify(after.document) ? undefined : 'different';
}

/** Entries of both in order, those of the same document together. */
async function* inPairs(
  left: AsyncIterable<Entry>,
  right: AsyncIterable<Entry>,
): AsyncGenerator<[Entry | undefined, Entry | undefined]> {
  const lefts = left[Symbol.asyncIterator]();
  const rights = right[Symbol.asyncIterator]();
  let a = await lefts.next();
  let b = await rights.next();
  while (!a.done || !b.done) {
    const order = a.done ? 1 : b.done ? -1 : compareEntryOrder(a.value, b.value);
    yield [order <= 0 ? a.value : undefined, order >= 0 ? b.value : undefined];
    if (order <= 0) a = await lefts.next();
    if (order >= 0) b = await rights.next();
  }
}

/** The order of read stores: that of the bytes. */
function compareEntryOrder(a: Entry, b: Entry): number {
  if (a.collection === b.collection && a.id === b.id) return 0;
  const order = a.collection === b.collection ? [a.id, b.id] : [a.collection, b.collection];
  return Buffer.compare(Buffer.from(order[0] as string), Buffer.from(order[1] as string));
}
