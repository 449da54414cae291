import { setImmediate } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { Aggregate, AnyAggregate } from '../../domain/decider.js';
import type { Codec } from '../event-store/codec.js';
import { hashEvent } from '../event-store/hash.js';
import { type EventStore, LogDamaged } from '../event-store/port.js';
import { LoadedStream, type StreamSnapshot } from './loaded-stream.js';
import { firstSnapshotRevision, type Snapshots } from './snapshots.js';

const pageSize = 1_000;
const cachedStreams = 2_000;

/** Folds streams for deciding: from the cache, else from a snapshot and the events after it. */
export class StreamLoader {
  readonly #cache = new LRUCache<string, LoadedStream>({ max: cachedStreams });

  constructor(
    private readonly eventStore: EventStore,
    private readonly codec: Codec,
    private readonly snapshots: Snapshots,
  ) {}

  /**
   * The stream as this process last knew it, perhaps behind what others appended. Only the stream's mailbox may use
   * it, since deciding changes it.
   */
  async cached(stream: string, aggregate: AnyAggregate): Promise<LoadedStream> {
    const known = this.#cache.get(stream);
    if (known) return known;
    const loaded = await this.load(stream, aggregate);
    this.#cache.set(stream, loaded);
    return loaded;
  }

  /** The stream up to its head, in a copy of one's own. */
  async load<State>(stream: string, aggregate: Aggregate<State>): Promise<LoadedStream<State>> {
    const loaded = (await this.#fromSnapshot(stream, aggregate)) ?? new LoadedStream(stream, aggregate);
    await this.#catchUp(loaded);
    return loaded;
  }

  /** Asks the log first, which is cheaper: few streams are long enough to have a snapshot. */
  async #fromSnapshot<State>(stream: string, aggregate: Aggregate<State>): Promise<LoadedStream<State> | undefined> {
    if (!(await this.hasGrown(stream, firstSnapshotRevision - 1))) return undefined;
    const snapshot = await this.snapshots.load(stream, aggregate.version);
    if (!snapshot || !(await this.#isOfLog(stream, snapshot))) return undefined;
    return LoadedStream.fromSnapshot(stream, aggregate, snapshot);
  }

  /** A log that was restored, or has lost its end, may have gone on differently. */
  async #isOfLog(stream: string, { revision, lastHash }: StreamSnapshot): Promise<boolean> {
    const [event] = await this.eventStore.readStream(stream, { from: revision, limit: 1 });
    return event?.revision === revision && hashEvent(event) === lastHash;
  }

  /**
   * Folds what was appended since.
   * @throws {LogDamaged} if the stream's events are not those that were appended one after the other
   */
  async #catchUp(loaded: LoadedStream): Promise<void> {
    for (;;) {
      const page = await this.eventStore.readStream(loaded.stream, { from: loaded.revision + 1, limit: pageSize });
      const events = this.codec.decodeSealed(page);
      for (const [index, event] of events.entries()) {
        if (event.metadata.prevHash !== loaded.lastHash) throw new LogDamaged(event);
        loaded.advance(event, hashEvent(page[index] as (typeof page)[0]));
      }
      if (page.length < pageSize) return;
      // SQLite has read the page without a turn of the event loop: a stream of a million events would hold up all others.
      await setImmediate();
    }
  }

  /** Whether the stream has events beyond `revision`. */
  async hasGrown(stream: string, revision: number): Promise<boolean> {
    return (await this.eventStore.readStream(stream, { from: revision + 1, limit: 1 })).length > 0;
  }

  /** The streams that are at hand, as they are stored; only while no command is in flight. */
  get atHand(): Iterable<LoadedStream> {
    return this.#cache.values();
  }

  /** Throws a state away that was decided on and not appended, or that is known to be behind. */
  forget(stream: string): void {
    this.#cache.delete(stream);
  }
}
