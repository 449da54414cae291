import { isFeed, isWatched } from '../broker/feed-publisher.js';
import type { Broker, Subscription } from '../broker/port.js';
import { type Announcement, announcementTopic } from '../broker/subjects.js';
import type { EventStore, StoredEvent } from '../event-store/port.js';

export interface LogWatchOptions {
  readonly broker: Broker;
  readonly eventStore: EventStore;
  /** Silence of the relays after which the log itself is read, in ms; 2,000 unless told. */
  readonly silenceMs?: number;
  /** Revisions that feeds and watched streams have come to. */
  onHeads(heads: Readonly<Record<string, number>>): void;
  /** The log can't be read: what was missed is not known. */
  onLost(error: unknown): void;
}

const pageSize = 500;

/**
 * Learns how far every feed has come: from the relays' announcements, and where one is missing, from the log itself.
 */
export class LogWatch {
  readonly #options: Required<LogWatchOptions>;
  readonly #subscriptions: Subscription[] = [];
  /** Position through which all heads were told; undefined before it is known where to begin. */
  #through: bigint | undefined;
  #heardAt = performance.now();
  #reading: Promise<void> | undefined;
  readonly #listening: NodeJS.Timeout;

  private constructor(options: LogWatchOptions) {
    this.#options = { silenceMs: 2_000, ...options };
    const { broker, silenceMs } = this.#options;
    this.#subscriptions.push(
      broker.subscribe(announcementTopic, (message) => this.#hear(message)),
      broker.onReconnect(() => void this.#readLog()),
    );
    this.#listening = setInterval(() => {
      if (performance.now() - this.#heardAt >= silenceMs) void this.#readLog();
    }, silenceMs / 4);
  }

  /** Watches from the log's head on: what is before it, feeds read when they are opened. */
  static async start(options: LogWatchOptions): Promise<LogWatch> {
    const watch = new LogWatch(options);
    try {
      watch.#through = await options.eventStore.head();
      return watch;
    } catch (error) {
      watch.stop();
      throw error;
    }
  }

  /** Position through which all heads were told. */
  get through(): bigint {
    return this.#through ?? 0n;
  }

  stop(): void {
    clearInterval(this.#listening);
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  #hear({ after, through, heads }: Announcement): void {
    this.#heardAt = performance.now();
    this.#options.onHeads(heads);
    if (this.#through === undefined) return;
    if (BigInt(after) > this.#through) void this.#readLog();
    else if (BigInt(through) > this.#through) this.#through = BigInt(through);
  }

  /** Reads the log from where the last range ended to its head. */
  #readLog(): Promise<void> {
    this.#reading ??= this.#readOn()
      .catch((error: unknown) => this.#options.onLost(error))
      .finally(() => {
        this.#heardAt = performance.now();
        this.#reading = undefined;
      });
    return this.#reading;
  }

  async #readOn(): Promise<void> {
    for (let from = this.#through; from !== undefined; ) {
      const page = await this.#options.eventStore.readAll(from, pageSize);
      this.#options.onHeads(headsOf(page));
      from = page.at(-1)?.position ?? from;
      if (from > this.through) this.#through = from;
      if (page.length < pageSize) return;
    }
  }
}

function headsOf(page: readonly StoredEvent[]): Record<string, number> {
  const heads: Record<string, number> = {};
  for (const { stream, revision } of page) if (isFeed(stream) || isWatched(stream)) heads[stream] = revision;
  return heads;
}
