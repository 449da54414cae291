import type { Collection, Db } from 'mongodb';
import { queryInTime } from '../mongodb/in-time.js';
import { assertIndexed } from './indexed.js';
import { type StoredDocument, storedCollection } from './mongodb-documents.js';
import { type Generations, liveOf } from './mongodb-generations.js';
import { findFor } from './mongodb-query.js';
import type { Document, Found, Query, Reader } from './port.js';

interface LiveCollection {
  readonly stored: Collection<StoredDocument>;
  readonly fields: ReadonlySet<string>;
}

/** Reads the generations that are live at its first read, each document as it is when it is asked for. */
export class MongoReader implements Reader {
  #live: Promise<ReadonlyMap<string, LiveCollection>> | undefined;
  #begun = 0;

  /** @param readMs - the most that it may take, while the documents are sure to be there */
  constructor(
    private readonly db: Db,
    private readonly generations: Generations,
    private readonly readMs: number,
  ) {}

  async get<T = Document>(collection: string, id: string): Promise<T | undefined> {
    const { stored } = await this.#liveCollection(collection);
    const found = await stored.findOne({ _id: id }, { projection: { body: 1 }, ...queryInTime() });
    return found?.body === undefined ? undefined : JSON.parse(found.body);
  }

  async getMany<T = Document>(collection: string, ids: readonly string[]): Promise<Map<string, T>> {
    if (ids.length === 0) return new Map();
    const { stored } = await this.#liveCollection(collection);
    const options = { projection: { body: 1 }, batchSize: ids.length + 1, ...queryInTime() };
    const found = new Map<string, T>();
    for await (const { _id, body } of stored.find({ _id: { $in: [...ids] } }, options)) {
      if (body !== undefined) found.set(_id, JSON.parse(body));
    }
    return found;
  }

  async find<T = Document>(collection: string, query: Query): Promise<Found<T>[]> {
    const { stored, fields } = await this.#liveCollection(collection);
    assertIndexed(collection, query, fields);
    // To the server, 0 is no limit.
    if (query.limit === 0) return [];
    const { filter, sort, limit } = findFor(query);
    const options = { sort, limit, projection: { body: 1 }, batchSize: limit + 1, ...queryInTime() };
    const found = await stored.find(filter, options).toArray();
    return found.map(({ _id, body }) => ({ id: _id, document: JSON.parse(body as string) }));
  }

  /** @throws {Error} if no live generation has such a collection */
  async #liveCollection(name: string): Promise<LiveCollection> {
    this.#live ??= this.#begin();
    const live = (await this.#live).get(name);
    if (!live) throw new Error(`no projection with the collection ${name} has been opened`);
    if (performance.now() - this.#begun > this.readMs)
      throw new Error('a read took so long that its generation may be gone');
    return live;
  }

  async #begin(): Promise<ReadonlyMap<string, LiveCollection>> {
    this.#begun = performance.now();
    const live = new Map<string, LiveCollection>();
    for (const projection of await this.generations.all()) {
      for (const [name, fields] of Object.entries(liveOf(projection).collections)) {
        live.set(name, { stored: storedCollection(this.db, name, projection.live), fields: new Set(fields) });
      }
    }
    return live;
  }
}
