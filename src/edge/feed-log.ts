import { setImmediate } from 'node:timers/promises';
import { feedMessage } from '../broker/feed-publisher.js';
import type { FeedMessage } from '../broker/subjects.js';
import type { Codec } from '../event-store/codec.js';
import type { EventStore } from '../event-store/port.js';

/** Most frames of one page read from the log. */
export const pageSize = 256;

/** Reads feeds' frames from the log. Readers of the same page at the same time share one reading. */
export class FeedLog {
  readonly #reading = new Map<string, Promise<FeedMessage[]>>();

  constructor(
    private readonly eventStore: EventStore,
    private readonly codec: Codec,
  ) {}

  /** At most `limit` frames from a revision on; fewer only at the feed's head. */
  read(feed: string, from: number, limit: number): Promise<FeedMessage[]> {
    const page = `${feed}@${from}+${limit}`;
    const reading = this.#reading.get(page) ?? this.#read(feed, from, limit).finally(() => this.#reading.delete(page));
    this.#reading.set(page, reading);
    return reading;
  }

  async #read(feed: string, from: number, limit: number): Promise<FeedMessage[]> {
    const stored = await this.eventStore.readStream(feed, { from, limit });
    const recorded = await this.codec.decode(stored);
    // a long way to catch up is not to keep the others waiting, whatever the store
    await setImmediate();
    return recorded.map(feedMessage);
  }
}
