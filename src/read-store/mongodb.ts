import type { Collection, Filter, IndexDescription } from 'mongodb';
import { chunksOf } from '../mongodb/chunks.js';
import type { MongoDatabase } from '../mongodb/connection.js';
import { isRefusal, reaching } from '../mongodb/errors.js';
import { inTime, queryInTime } from '../mongodb/in-time.js';
import {
  type PreparedWrite,
  prepare,
  type StoredDocument,
  storedCollection,
  writeGuarded,
  writeUnguarded,
} from './mongodb-documents.js';
import { fieldsOf, Generations, indexesOf, liveOf, numberOf, type ProjectionDocument } from './mongodb-generations.js';
import { pathOf, present } from './mongodb-query.js';
import { MongoReader } from './mongodb-reader.js';
import {
  type Document,
  type DocumentWrite,
  type Generation,
  GenerationChanged,
  type LoadedDocument,
  type ProjectionShape,
  type Reader,
  type ReadStore,
} from './port.js';

export interface MongoReadStoreOptions {
  /** How long the documents of a generation stay when it is gone, for reads that have begun before, in ms. */
  readonly retirementMs?: number;
  /** How long deletions are remembered, ms: longer than a write may be under way, even that of a stopped process. */
  readonly rememberMs?: number;
}

/** Written in one command: a few tenths of a second's work. */
const writesAtOnce = 1_000;
/** Read in one command. */
const documentsAtOnce = 1_000;
/** Whoever was stopped this long between looking and writing, in ms, looks again. */
const lookMs = 5_000;

/**
 * A read store in a database of MongoDB; a single node will do. Documents are written before the checkpoint, each
 * guarded by its own position, so that a batch that is repeated after a crash changes nothing of what was written.
 */
export function mongoReadStore(database: MongoDatabase, options: MongoReadStoreOptions = {}): ReadStore {
  return new MongoReadStore(database, options);
}

interface Chunk {
  readonly collection: string;
  readonly writes: readonly PreparedWrite[];
}

class MongoReadStore implements ReadStore {
  readonly #generations: Generations;
  readonly #retirementMs: number;
  readonly #rememberMs: number;
  /** The fields that documents are found by, of each collection opened here. */
  readonly #fields = new Map<string, readonly string[]>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** When each collection was last rid of deletions. */
  readonly #swept = new Map<string, number>();
  readonly #cleaning = new Set<Promise<unknown>>();

  constructor(
    private readonly database: MongoDatabase,
    { retirementMs = 60_000, rememberMs = 600_000 }: MongoReadStoreOptions,
  ) {
    this.#generations = new Generations(database.db.collection<ProjectionDocument>('projections'));
    this.#retirementMs = retirementMs;
    this.#rememberMs = rememberMs;
  }

  open(shape: ProjectionShape): Promise<Generation> {
    return this.#reach(async () => {
      const live = await this.#generations.open(shape);
      await this.#prepareCollections(shape, live);
      return live;
    });
  }

  begin(shape: ProjectionShape): Promise<Generation> {
    return this.#reach(async () => {
      const begun = await this.#generations.begin(shape);
      await this.#prepareCollections(shape, begun);
      return begun;
    });
  }

  promote(generation: Generation): Promise<void> {
    return this.#reach(async () => {
      await this.#generations.promote(generation);
      await this.#dropRetiredLater(generation.projection);
    });
  }

  discard(generation: Generation): Promise<void> {
    return this.#reach(async () => {
      await this.#generations.discard(generation);
      await this.#dropRetiredLater(generation.projection);
    });
  }

  discardUnfinished(projection: string): Promise<void> {
    return this.#reach(async () => {
      await this.#generations.discardUnfinished(projection);
      await this.#dropRetiredLater(projection);
    });
  }

  checkpoint(generation: Generation): Promise<bigint> {
    return this.#reach(async () => (await this.#generations.kept(generation)).checkpoint);
  }

  load(generation: Generation, collection: string, ids: readonly string[]): Promise<Map<string, LoadedDocument>> {
    return this.#reach(async () => {
      // Before the documents, which hold what the checkpoint promises and perhaps more.
      const { checkpoint } = await this.#generations.kept(generation);
      const loaded = new Map<string, LoadedDocument>(
        ids.map((id) => [id, { document: undefined, position: checkpoint }]),
      );
      const stored = this.#stored(collection, generation);
      for (const some of chunksOf(ids, documentsAtOnce)) {
        const found = stored.find({ _id: { $in: some } }, { batchSize: some.length + 1, ...queryInTime() });
        for await (const { _id, body, position } of found) {
          const document = body === undefined ? undefined : JSON.parse(body);
          const isAhead = position > checkpoint;
          loaded.set(_id, { document, position: isAhead ? position : checkpoint });
        }
      }
      return loaded;
    });
  }

  idsNaming(generation: Generation, collection: string, field: string, person: string): Promise<string[]> {
    return this.#reach(async () => {
      await this.#generations.kept(generation);
      const named = { $and: [present, { [pathOf(field)]: person }] } as Filter<StoredDocument>;
      const options = { projection: { _id: 1 }, batchSize: documentsAtOnce, ...queryInTime() } as const;
      const found = await this.#stored(collection, generation).find(named, options).toArray();
      return found.map(({ _id }) => _id);
    });
  }

  /** What a server of MongoDB keeps in its files of what was replaced, is not in our hands. */
  async write(generation: Generation, writes: readonly DocumentWrite[], position: bigint): Promise<void> {
    const chunks = this.#prepare(writes);
    await this.#reach(async () => {
      const isBehind = this.#looking(generation, position);
      for (const chunk of chunks) {
        if (!(await isBehind())) return;
        await writeGuarded(this.#stored(chunk.collection, generation), chunk.writes, position);
      }
      await this.#generations.advance(generation, position);
    });
    this.#forgetDeletions(generation, chunks, position);
  }

  async put(generation: Generation, writes: readonly DocumentWrite[]): Promise<void> {
    const chunks = this.#prepare(writes);
    await this.#reach(async () => {
      await this.#generations.kept(generation);
      for (const chunk of chunks) await writeUnguarded(this.#stored(chunk.collection, generation), chunk.writes);
    });
  }

  async *dump(generation: Generation): AsyncIterable<{ collection: string; id: string; document: Document }> {
    const { collections, checkpoint } = await this.#reach(() => this.#generations.kept(generation));
    for (const collection of Object.keys(collections).sort()) {
      const stored = this.#stored(collection, generation);
      for (let after: string | undefined; ; ) {
        const page = await this.#reach(() => pageOf(stored, after));
        if (page.some(({ position }) => position > checkpoint)) throw new GenerationChanged(generation);
        for (const { _id, body } of page) yield { collection, id: _id, document: JSON.parse(body as string) };
        if (page.length < documentsAtOnce) break;
        after = page.at(-1)?._id;
      }
    }
  }

  read<T>(body: (reader: Reader) => Promise<T> | T): Promise<T> {
    const reader = new MongoReader(this.database.db, this.#generations, this.#retirementMs / 2);
    return this.#reach(async () => body(reader));
  }

  liveCheckpoint(projection: string): Promise<bigint> {
    return this.#reach(async () => {
      const found = await this.#generations.of(projection);
      return found ? liveOf(found).checkpoint : 0n;
    });
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all(this.#cleaning);
    await this.database.close();
  }

  #reach<T>(body: () => Promise<T>): Promise<T> {
    return reaching(`The read store (${this.database.place})`, body);
  }

  #stored(collection: string, { generation }: Pick<Generation, 'generation'>): Collection<StoredDocument> {
    return storedCollection(this.database.db, collection, generation);
  }

  /** The documents as they are now, collection by collection in the order given. */
  #prepare(writes: readonly DocumentWrite[]): Chunk[] {
    const now = new Date();
    const byCollection = new Map<string, PreparedWrite[]>();
    for (const write of writes) {
      const { collection } = write;
      const fields = this.#fields.get(collection);
      if (!fields) throw new Error(`no projection with the collection ${collection} has been opened`);
      const prepared = byCollection.get(collection) ?? [];
      prepared.push(prepare(write, fields, now));
      byCollection.set(collection, prepared);
    }
    return [...byCollection].flatMap(([collection, prepared]) =>
      chunksOf(prepared, writesAtOnce).map((some) => ({ collection, writes: some })),
    );
  }

  /**
   * Tells before each write whether the checkpoint is behind the position still. Documents guard themselves against a
   * writer that is late, but only as long as their deletion is remembered.
   */
  #looking(generation: Generation, position: bigint): () => Promise<boolean> {
    let looked = Number.NEGATIVE_INFINITY;
    return async () => {
      while (performance.now() - looked > lookMs) {
        looked = performance.now();
        if ((await this.#generations.kept(generation)).checkpoint >= position) return false;
      }
      return true;
    };
  }

  /** Where the live generation is of another version, it keeps the indexes that it has. */
  async #prepareCollections(shape: ProjectionShape, generation: Generation): Promise<void> {
    for (const collection of shape.collections) {
      const { name } = collection;
      this.#fields.set(name, fieldsOf(collection));
      if (generation.version !== shape.version) continue;
      await this.#stored(name, generation).createIndexes([deletions, ...indexesOf(collection).map(indexOf)], inTime());
    }
    await this.#dropRetiredLater(shape.name);
  }

  /** Drops the documents of generations that are gone, once no read that has begun before can be under way. */
  async #dropRetiredLater(projection: string): Promise<void> {
    const { retired = {} } = (await this.#generations.of(projection)) ?? {};
    if (Object.keys(retired).length === 0) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#clean(() => this.#dropRetired(projection, retired));
    }, this.#retirementMs);
    this.#timers.add(timer.unref());
  }

  async #dropRetired(projection: string, retired: ProjectionDocument['retired']): Promise<void> {
    for (const [key, collections] of Object.entries(retired)) {
      for (const name of collections) await dropIfThere(this.#stored(name, { generation: numberOf(key) }));
      await this.#generations.forget(projection, key);
    }
  }

  /** Forgets deletions that no write can be under way any more to undo, now and then. */
  #forgetDeletions(generation: Generation, chunks: readonly Chunk[], checkpoint: bigint): void {
    for (const name of new Set(chunks.map(({ collection }) => collection))) {
      const stored = this.#stored(name, generation);
      const swept = this.#swept.get(stored.collectionName) ?? Number.NEGATIVE_INFINITY;
      if (performance.now() - swept < this.#rememberMs / 10) continue;
      this.#swept.set(stored.collectionName, performance.now());
      const before = new Date(Date.now() - this.#rememberMs);
      this.#clean(() => stored.deleteMany({ deletedAt: { $lte: before }, position: { $lte: checkpoint } }, inTime()));
    }
  }

  /** Does what need not be done now: where it fails, it is done another time. */
  #clean(work: () => Promise<unknown>): void {
    const cleaning = work()
      .catch(() => undefined)
      .finally(() => this.#cleaning.delete(cleaning));
    this.#cleaning.add(cleaning);
  }
}

/** To find those that are to be forgotten; hardly any document is in it. */
const deletions: IndexDescription = { name: 'deletions', key: { deletedAt: 1 }, sparse: true };

function indexOf(fields: readonly string[]): IndexDescription {
  const key = [...fields.map(pathOf), '_id'].map((path) => [path, 1] as const);
  return { name: `by ${fields.join(', ')}`, key: Object.fromEntries(key) };
}

async function dropIfThere(stored: Collection<StoredDocument>): Promise<void> {
  await stored.drop(inTime()).catch((error: unknown) => {
    if (!isRefusal(error)) throw error;
  });
}

function pageOf(stored: Collection<StoredDocument>, after: string | undefined) {
  const conditions = after === undefined ? [present] : [present, { _id: { $gt: after } }];
  const options = {
    sort: { _id: 1 },
    limit: documentsAtOnce,
    batchSize: documentsAtOnce + 1,
    ...queryInTime(),
  } as const;
  return stored.find({ $and: conditions }, options).toArray();
}
