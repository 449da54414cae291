import { setTimeout as sleep } from 'node:timers/promises';
import { isFeed, isWatched } from '../broker/feed-publisher.js';
import type { Broker } from '../broker/port.js';
import { type Announcement, announcementTopic } from '../broker/subjects.js';
import type { EventStore, StoredEvent } from '../event-store/port.js';

export interface RelayOptions {
  readonly eventStore: EventStore;
  readonly broker: Broker;
  /** Told when the log can't be followed; the relay tries again by itself. */
  onError(error: unknown): void;
  /** How long the heads of feeds gather before they are announced, in ms; 25 unless told. */
  readonly coalesceMs?: number;
  /** Longest silence between announcements, in ms; 1,000 unless told. */
  readonly signOfLifeMs?: number;
  /** How long after a failure the log is followed again, in ms; 500 unless told. */
  readonly retryMs?: number;
}

/**
 * Follows the log from its head and announces which stretch of it was read and how far its feeds have come, so that
 * edges notice what the broker lost on its way to them. Silent while the log can't be followed. Any number may run.
 */
export class Relay {
  readonly #stopping = new AbortController();
  readonly #options: Required<RelayOptions>;
  #following: Promise<void> = Promise.resolve();
  #signOfLife: NodeJS.Timeout | undefined;
  #gathering: NodeJS.Timeout | undefined;
  #announced = 0n;
  #read = 0n;
  #heads: Record<string, number> = {};

  private constructor(options: RelayOptions) {
    this.#options = { coalesceMs: 25, signOfLifeMs: 1_000, retryMs: 500, ...options };
  }

  static async start(options: RelayOptions): Promise<Relay> {
    const relay = new Relay(options);
    relay.#read = relay.#announced = await options.eventStore.head();
    relay.#following = relay.#followLog();
    return relay;
  }

  /** Position through which the log is announced. */
  get announced(): bigint {
    return this.#announced;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#silence();
    await this.#following;
  }

  async #followLog(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        this.#signOfLife = setInterval(() => this.#announce(), this.#options.signOfLifeMs);
        for await (const page of this.#options.eventStore.follow({ after: this.#read, signal })) this.#gather(page);
      } catch (error) {
        if (!signal.aborted) this.#options.onError(error);
      }
      this.#silence();
      await sleep(this.#options.retryMs, undefined, { signal }).catch(() => {});
    }
  }

  #gather(page: readonly StoredEvent[]): void {
    for (const { stream, revision, position } of page) {
      this.#read = position;
      if (isFeed(stream) || isWatched(stream)) this.#heads[stream] = revision;
    }
    this.#gathering ??= setTimeout(() => this.#announce(), this.#options.coalesceMs);
  }

  #announce(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    const announcement: Announcement = {
      after: String(this.#announced),
      through: String(this.#read),
      heads: this.#heads,
    };
    this.#announced = this.#read;
    this.#heads = {};
    this.#options.broker.publish(announcementTopic, announcement);
  }

  #silence(): void {
    clearInterval(this.#signOfLife);
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
  }
}
