import type { Aggregate } from '../../domain/decider.js';
import { parseStreamName, streamName } from '../../domain/ids.js';
import type { Broker, Subscription } from '../broker/port.js';
import { watchedTopic } from '../broker/subjects.js';
import type { Codec } from '../event-store/codec.js';
import type { EventStore } from '../event-store/port.js';
import { GrowingCache } from '../growing-cache.js';
import { LogWatch } from './log-watch.js';

export interface LiveStreamsOptions {
  readonly eventStore: EventStore;
  readonly codec: Pick<Codec, 'decodeSealed'>;
  readonly broker: Broker;
  /** Told when the log can't be read; what depends on it is read again before it is used. */
  onError(error: unknown): void;
  /** As `LogWatch`. */
  readonly silenceMs?: number;
}

const pageSize = 1_000;
const maxEntries = 20_000;

/** Told that a stream has grown; without an id, that any may have. */
export type GrowthListener = (id?: string) => void;

/** A stream's state, up to a revision, and how far the stream is known to have come. */
class Entry<State = unknown> {
  state: State;
  revision = -1;
  head = -1;
  /** Whether the log must be asked, since what it has come to is not known. */
  doubtful = true;
  reading: Promise<void> | undefined;

  constructor(
    readonly stream: string,
    readonly aggregate: Aggregate<State>,
  ) {
    this.state = aggregate.initialState();
  }

  get isCurrent(): boolean {
    return !this.doubtful && !this.reading && this.head <= this.revision;
  }
}

/**
 * States of watched streams, kept current in this process: read once, and again as soon as the stream is known to have
 * grown; within two seconds, whatever is lost on its way here. The states are shared: to be looked at, not kept or
 * changed.
 */
export class LiveStreams {
  readonly #entries = new GrowingCache<string, Entry>(maxEntries);
  readonly #listeners = new Map<string, Set<GrowthListener>>();
  readonly #options: LiveStreamsOptions;
  #subscription: Subscription | undefined;
  #watch: LogWatch | undefined;

  private constructor(options: LiveStreamsOptions) {
    this.#options = options;
  }

  /** @throws if the log can't be read */
  static async start(options: LiveStreamsOptions): Promise<LiveStreams> {
    const live = new LiveStreams(options);
    live.#subscription = options.broker.subscribe(watchedTopic, ({ stream, revision }) => live.note(stream, revision));
    try {
      live.#watch = await LogWatch.start({
        ...options,
        onHeads: (heads) => live.#noteHeads(heads),
        onLost: (error) => live.#doubtAll(error),
      });
      return live;
    } catch (error) {
      live.stop();
      throw error;
    }
  }

  stop(): void {
    this.#subscription?.unsubscribe();
    this.#watch?.stop();
  }

  /** Hears that a stream has come to this revision. */
  note(stream: string, revision: number): void {
    const entry = this.#entries.get(stream);
    if (entry) {
      if (revision <= entry.head) return;
      entry.head = revision;
    }
    const { category, id } = parseStreamName(stream);
    this.#tell(category, id);
  }

  /** Calls the listener when a stream of the category has grown, or may have. */
  onGrowth(category: string, listener: GrowthListener): Subscription {
    const listeners = this.#listeners.get(category) ?? new Set();
    this.#listeners.set(category, listeners.add(listener));
    return { unsubscribe: () => void listeners.delete(listener) };
  }

  /** The state, if this process knows of nothing newer; without any wait. */
  known<State>(aggregate: Aggregate<State>, id: string): State | undefined {
    const entry = this.#entries.get(streamName(aggregate.category, id));
    return entry?.isCurrent ? (entry.state as State) : undefined;
  }

  /** The state as far as this process knows of events; the log is read where there are newer ones. */
  async current<State>(aggregate: Aggregate<State>, id: string): Promise<State> {
    const entry = this.#entry(aggregate, id);
    while (!entry.isCurrent) await this.#read(entry);
    return entry.state;
  }

  /** The state with every event that was appended before the call. */
  async latest<State>(aggregate: Aggregate<State>, id: string): Promise<State> {
    const entry = this.#entry(aggregate, id);
    // One that has begun already may have missed the last of them.
    await entry.reading?.catch(() => undefined);
    await this.#read(entry);
    return entry.state;
  }

  #entry<State>(aggregate: Aggregate<State>, id: string): Entry<State> {
    const stream = streamName(aggregate.category, id);
    const known = this.#entries.get(stream) as Entry<State> | undefined;
    if (known) return known;
    const entry = new Entry(stream, aggregate);
    this.#entries.set(stream, entry as Entry);
    return entry;
  }

  #read<State>(entry: Entry<State>): Promise<void> {
    entry.reading ??= this.#readOn(entry).finally(() => {
      entry.reading = undefined;
    });
    return entry.reading;
  }

  async #readOn<State>(entry: Entry<State>): Promise<void> {
    entry.doubtful = false;
    // What it was known to have come to is answered by this; what is heard meanwhile may be missing in what is read.
    entry.head = entry.revision;
    try {
      for (;;) {
        const page = await this.#options.eventStore.readStream(entry.stream, {
          from: entry.revision + 1,
          limit: pageSize,
        });
        for (const event of this.#options.codec.decodeSealed(page)) {
          entry.state = entry.aggregate.evolve(entry.state, event);
          entry.revision = event.revision;
        }
        if (page.length < pageSize) break;
      }
    } catch (error) {
      entry.doubtful = true;
      throw error;
    }
    entry.head = Math.max(entry.head, entry.revision);
  }

  #noteHeads(heads: Readonly<Record<string, number>>): void {
    for (const stream in heads) {
      const isListenedTo = this.#listeners.has(parseStreamName(stream).category);
      if (isListenedTo || this.#entries.has(stream)) this.note(stream, heads[stream] as number);
    }
  }

  #doubtAll(error: unknown): void {
    this.#options.onError(error);
    for (const entry of this.#entries.values()) entry.doubtful = true;
    for (const category of this.#listeners.keys()) this.#tell(category);
  }

  #tell(category: string, id?: string): void {
    for (const listener of this.#listeners.get(category) ?? []) listener(id);
  }
}
