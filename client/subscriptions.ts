import type { ClientMessage, ServerMessage } from '../src/edge/protocol.js';
import { FeedSubscription, type SubscribeOptions } from './feed-subscription.js';

type FeedMessage = ServerMessage & { readonly feed: string };

/** The feeds that a client follows. */
export class Subscriptions {
  readonly #byFeed = new Map<string, FeedSubscription>();
  /** Feeds that were left and how often, until the server has said so: what comes of them before is of the past. */
  readonly #leaving = new Map<string, number>();

  constructor(private readonly send: (message: ClientMessage) => boolean) {}

  /** @throws {Error} if the feed is followed already */
  add(feed: string, options: SubscribeOptions): FeedSubscription {
    if (this.#byFeed.has(feed)) throw new Error(`${feed} is followed already`);
    const subscription = new FeedSubscription(feed, options, this.send, (asked) => this.#remove(feed, asked));
    this.#byFeed.set(feed, subscription);
    return subscription;
  }

  /** Asks for all feeds again, over a new connection. */
  resume(): void {
    this.#leaving.clear();
    for (const subscription of this.#byFeed.values()) subscription.resume();
  }

  receive(message: FeedMessage): void {
    const leaving = this.#leaving.get(message.feed);
    if (!leaving) this.#byFeed.get(message.feed)?.receive(message);
    else if (message.op === 'unsubscribed' && !message.problem) this.#hasLeft(message.feed, leaving);
  }

  end(error: Error): void {
    for (const subscription of [...this.#byFeed.values()]) subscription.end(error);
    this.#byFeed.clear();
  }

  /** `asked`: the server was told, and will confirm. */
  #remove(feed: string, asked: boolean): void {
    this.#byFeed.delete(feed);
    if (asked) this.#leaving.set(feed, (this.#leaving.get(feed) ?? 0) + 1);
  }

  #hasLeft(feed: string, leaving: number): void {
    if (leaving > 1) this.#leaving.set(feed, leaving - 1);
    else this.#leaving.delete(feed);
  }
}
