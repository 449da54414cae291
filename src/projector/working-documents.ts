import { LRUCache } from 'lru-cache';
import { valueAt } from '../../projections/projection.js';
import type { Document, DocumentWrite, Generation, ReadStore } from '../read-store/port.js';

/** Documents of a collection that are kept in memory between batches. */
const hotDocuments = 5_000;

export interface HeldDocument {
  document: unknown;
  /** Of the last event folded into it. */
  position: bigint;
  /** Nothing was folded into it since it was made; many such are never folded into again. */
  fresh: boolean;
}

/** A collection's documents while a batch is folded: those of the batch, those still being written, and hot ones. */
export class WorkingDocuments {
  /** At hand for the batch as they were before it. */
  #ready = new Map<string, HeldDocument>();
  readonly #missing = new Set<string>();
  #changed = new Map<string, HeldDocument>();
  #unwritten: ReadonlyMap<string, HeldDocument> = new Map();
  /** Documents that were folded into before, so that one that changes with every batch is loaded once. */
  readonly #hot = new LRUCache<string, HeldDocument>({ max: hotDocuments });

  constructor(private readonly collection: string) {}

  /** Notes that the document is going to be folded into. */
  need(id: string): void {
    if (this.#ready.has(id) || this.#changed.has(id)) return;
    const held = this.#hot.get(id) ?? this.#unwritten.get(id);
    if (held) this.#ready.set(id, held);
    else this.#missing.add(id);
  }

  /** Loads what is needed and not at hand. */
  async load(store: ReadStore, generation: Generation): Promise<void> {
    if (this.#missing.size === 0) return;
    const loaded = await store.load(generation, this.collection, [...this.#missing]);
    this.#missing.clear();
    for (const [id, { document, position }] of loaded) this.#ready.set(id, { document, position, fresh: false });
  }

  /** Ids of documents of earlier batches in which the field may name this person. */
  async naming(store: ReadStore, generation: Generation, field: string, person: string): Promise<ReadonlySet<string>> {
    const ids = new Set(await store.idsNaming(generation, this.collection, field, person));
    // Whether they are written already is not known.
    for (const id of naming(this.#unwritten, field, person)) ids.add(id);
    return ids;
  }

  /** Ids of documents that this batch has changed so far in which the field names this person. */
  changedNaming(field: string, person: string): string[] {
    return naming(this.#changed, field, person);
  }

  /** @throws {Error} if it was not noted as needed */
  held(id: string): HeldDocument {
    const held = this.#changed.get(id) ?? this.#ready.get(id);
    if (!held) throw new Error(`${this.collection}/${id} was not loaded`);
    return held;
  }

  change(id: string, held: HeldDocument): void {
    held.fresh = false;
    this.#changed.set(id, held);
  }

  /** Takes a document in place of whatever it was before. */
  replace(id: string, document: unknown, position: bigint): void {
    this.#changed.set(id, { document, position, fresh: true });
  }

  /** What the batch changed; from now on it is being written. */
  take(): DocumentWrite[] {
    const writes: DocumentWrite[] = [];
    for (const [id, held] of this.#changed) {
      writes.push({ collection: this.collection, id, document: held.document as Document | undefined });
      if (held.fresh) this.#hot.delete(id);
      else this.#hot.set(id, held);
    }
    this.#unwritten = this.#changed;
    this.#changed = new Map();
    this.#ready = new Map();
    return writes;
  }
}

function naming(documents: ReadonlyMap<string, HeldDocument>, field: string, person: string): string[] {
  return [...documents].flatMap(([id, { document }]) => (valueAt(document, field) === person ? [id] : []));
}
