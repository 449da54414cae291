import { isFeed } from '../broker/feed-publisher.js';
import { Refused } from '../problems.js';
import { Feed, type FeedEnvironment } from './feed.js';

interface Entry {
  readonly opening: Promise<Feed>;
  feed?: Feed;
  users: number;
  /** Last revision announced while it was being opened. */
  head: number;
}

/** The feeds that are followed here: opened with the first subscription, closed with the last. */
export class Feeds {
  readonly #entries = new Map<string, Entry>();

  constructor(private readonly environment: FeedEnvironment) {}

  /**
   * The feed, to be released once for each time it was acquired.
   * @throws {Refused} `not-found` if there is no such feed
   */
  async acquire(name: string): Promise<Feed> {
    if (!isFeed(name)) throw new Refused('not-found');
    const entry = this.#entries.get(name) ?? this.#open(name);
    entry.users += 1;
    return entry.opening;
  }

  release(feed: Feed): void {
    const entry = this.#entries.get(feed.name);
    if (entry?.feed !== feed) return;
    entry.users -= 1;
    if (entry.users > 0) return;
    this.#entries.delete(feed.name);
    feed.close();
  }

  /** Hears that feeds' logs have come to these revisions. */
  noteHeads(heads: Readonly<Record<string, number>>): void {
    for (const name in heads) {
      const entry = this.#entries.get(name);
      if (!entry) continue;
      const head = heads[name] as number;
      if (entry.feed) entry.feed.noteHead(head);
      else entry.head = Math.max(entry.head, head);
    }
  }

  /** Has no feed keep frames any more that were made before someone was forgotten. */
  forgetRecent(): void {
    for (const { feed } of this.#entries.values()) feed?.forgetRecent();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Number of subscriptions that are in topics. */
  get live(): number {
    let live = 0;
    for (const { feed } of this.#entries.values()) live += feed?.live ?? 0;
    return live;
  }

  close(): void {
    for (const { feed } of this.#entries.values()) feed?.close();
    this.#entries.clear();
  }

  #open(name: string): Entry {
    const opening = Feed.open(name, this.environment);
    const entry: Entry = { opening, users: 0, head: -1 };
    this.#entries.set(name, entry);
    opening.then(
      (feed) => {
        entry.feed = feed;
        feed.noteHead(entry.head);
      },
      () => this.#entries.delete(name),
    );
    return entry;
  }
}
