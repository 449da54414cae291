import type { Document, Reader } from '../../projections/reader.js';

/**
 * The read store: documents that projections fold from the log, by collection and id, with each projection's
 * checkpoint. All of it can be deleted at any time and built again.
 */

export type { Document, Found, Query, Reader } from '../../projections/reader.js';

/** What a collection is, as its projection declares it. */
export interface CollectionShape {
  readonly name: string;
  /** Each index: fields (dots for nested ones) in order, for equality on the first ones and order by the last. */
  readonly indexes: readonly (readonly string[])[];
  /** What is personal, by the fields that name people, by which documents are found when someone is forgotten. */
  readonly personal?: Readonly<Record<string, readonly string[]>>;
}

export interface ProjectionShape {
  readonly name: string;
  /** Changing it makes the projection be built anew beside the old one. */
  readonly version: number;
  readonly collections: readonly CollectionShape[];
}

/** A projection's documents of one generation. Readers see the live generation only. */
export interface Generation {
  readonly projection: string;
  readonly generation: number;
  /** The projection's version that folded it. */
  readonly version: number;
}

/** A document as it was loaded for folding, or the knowledge that there is none. */
export interface LoadedDocument {
  readonly document: Document | undefined;
  /** All events up to this position are folded in already: they must not be folded again. */
  readonly position: bigint;
}

export interface DocumentWrite {
  readonly collection: string;
  readonly id: string;
  /** The whole document; none deletes it. */
  readonly document: Document | undefined;
}

export interface WriteOptions {
  /**
   * Something personal is replaced or deleted: nothing of what was there before stays in the store's files, as far as the
   * store has it in its hands. They are cleaned soon after, and if the process ends before, when the store is next open.
   */
  readonly erasing?: boolean;
}

export interface ReadStore {
  /**
   * Makes the collections and indexes of the projection's live generation where they are missing, and returns it.
   * Its version may be another than the one declared: readers go on with it until a generation of the declared version
   * is promoted.
   */
  open(projection: ProjectionShape): Promise<Generation>;
  /** Begins an empty generation beside the live one; an unfinished one from before is dropped. */
  begin(projection: ProjectionShape): Promise<Generation>;
  /** Makes this generation the live one in one step, and drops the others. */
  promote(generation: Generation): Promise<void>;
  /** Drops a generation that is not live. */
  discard(generation: Generation): Promise<void>;
  /** Drops all generations of a projection that are not live: whoever builds one has to begin again. */
  discardUnfinished(projection: string): Promise<void>;
  /**
   * Position of the last event whose changes the generation holds; 0n for none.
   * @throws {GenerationGone}
   */
  checkpoint(generation: Generation): Promise<bigint>;
  /**
   * Documents of a generation by id, for folding: an entry for each id.
   * @throws {GenerationGone}
   */
  load(generation: Generation, collection: string, ids: readonly string[]): Promise<Map<string, LoadedDocument>>;
  /**
   * Ids of all documents of a generation in which a field that names people names this one. It may take time in
   * proportion to the collection, since people are forgotten seldom and documents are written all the time.
   * @throws {GenerationGone}
   */
  idsNaming(generation: Generation, collection: string, field: string, person: string): Promise<string[]>;
  /**
   * Writes documents into which all events up to `position` are folded, and moves the checkpoint there. Where the
   * checkpoint is at `position` already, or past it, nothing changes; nor does a document that has come there. The
   * documents are taken as they are at the call, and may change after it. Writes of several projections that are asked
   * for at once may become visible at once. Where the documents of a write can't become visible together, they do so
   * collection by collection, in the order of their first documents, and the checkpoint last.
   * @throws {GenerationGone}
   */
  write(
    generation: Generation,
    writes: readonly DocumentWrite[],
    position: bigint,
    options?: WriteOptions,
  ): Promise<void>;
  /** Writes documents and leaves the checkpoint: for what is kept here but not folded from the log in order. */
  put(generation: Generation, writes: readonly DocumentWrite[]): Promise<void>;
  /**
   * All documents of a generation as they are at its checkpoint, in the order of collection and id: to compare two
   * generations.
   * @throws {GenerationChanged} if it is written to meanwhile, or a write was not finished, and the store can't look back
   */
  dump(generation: Generation): AsyncIterable<{ collection: string; id: string; document: Document }>;

  /**
   * Runs reads of the generations that are live at the first of them. They see one moment of the store if it has
   * transactions; else each sees what is there when it is made, which is nothing older than what the one before has
   * seen, and may be part of a write. Whoever reads several documents reads the one first that tells how far they are
   * (as `write` makes it visible last), and leaves out what the others have beyond it.
   */
  read<T>(body: (reader: Reader) => Promise<T> | T): Promise<T>;
  /** Position that the live generation of a projection has reached. */
  liveCheckpoint(projection: string): Promise<bigint>;
  close(): Promise<void>;
}

/** The generation is not there any more: another one was promoted, or begun in its place. */
export class GenerationGone extends Error {
  constructor({ projection, generation }: Generation) {
    super(
      `Generation ${generation} of the projection ${projection} is gone: another process has begun one, or discarded it.`,
    );
  }
}

/** Documents of the generation are ahead of its checkpoint. */
export class GenerationChanged extends Error {
  constructor({ projection, generation }: Generation) {
    super(`generation ${generation} of the projection ${projection} is being written to`);
  }
}

/** The read store can't be used; the message says what to do. Nothing is lost with it: it can be built again. */
export class ReadStoreUnusable extends Error {}

/** Documents can't be found by this field: the generation that readers see has no index with it, or none yet. */
export class NotIndexed extends Error {
  constructor(collection: string, field: string) {
    super(`${collection} can't be searched by ${field}: no index of the live generation has it`);
  }
}
