import { projections } from '../../../projections/catalogue.js';
import type { Query, Reader } from '../../../projections/reader.js';
import { type PastEvent, record } from '../specification.js';
import { type Documents, fold } from './folding.js';

/** Reads what the projections make of a history. */
export class FoldedReader implements Reader {
  readonly #documents: Documents;

  constructor(history: readonly PastEvent[], foldedBy = projections) {
    const events = record(history);
    this.#documents = Object.assign({}, ...foldedBy.map((projection) => fold(projection, events)));
  }

  async get<T>(collection: string, id: string): Promise<T | undefined> {
    return this.#documents[`${collection}/${id}`] as T | undefined;
  }

  async getMany<T>(collection: string, ids: readonly string[]): Promise<Map<string, T>> {
    return new Map(ids.map((id) => [id, this.#documents[`${collection}/${id}`] as T]));
  }

  /** By id alone, as the views ask. */
  async find<T>(collection: string, { idAfter = '', idBefore = '~', descending, limit }: Query) {
    const found = Object.entries(this.#documents)
      .filter(([key]) => key.startsWith(`${collection}/`))
      .map(([key, document]) => ({ id: key.slice(collection.length + 1), document: document as T }))
      .filter(({ id }) => id > idAfter && id < idBefore);
    return (descending ? found.reverse() : found).slice(0, limit);
  }
}
