import { setTimeout as delay } from 'node:timers/promises';
import { type AllStreamRecordedEvent, type AllStreamSubscription, START } from '@kurrent/kurrentdb-client';
import { HeadWatch } from './head-watch.js';
import type { KurrentConnection } from './kurrentdb-connection.js';
import { fromKurrentEvent } from './kurrentdb-events.js';
import type { KurrentNamespace } from './kurrentdb-namespace.js';
import { pauseAfter } from './kurrentdb-retry.js';
import type { StoredEvent } from './port.js';
import { RecentEvents } from './recent-events.js';

/** Looking for the log's end may take this share of the time: it takes long where others have written much behind it. */
const lookingShare = 0.1;

export interface TailOptions {
  readonly connection: KurrentConnection;
  readonly namespace: KurrentNamespace;
  /** Position of the log's last event, asked for once. */
  head(): Promise<bigint>;
  /** How often the subscription is compared with the log at most, in ms; 2,000 unless told. */
  readonly beatMs?: number;
}

/**
 * The live end of the log: one subscription for all followers of this process, and its latest events in memory. It runs
 * while somebody follows, and begins where the first one waits who has read to the head. A subscription carries only a
 * few thousand events a second and does not tell when it is behind or dead; so it is compared with the log from time to
 * time, and given up when it is late. Followers then read pages, and the one who comes to the head subscribes again.
 */
export class KurrentTail {
  readonly #recent = new RecentEvents();
  readonly #closing = new AbortController();
  /** How far the subscription has come: it is told, and never looks. */
  readonly #watch = new HeadWatch(() => 0n);
  #subscription: AllStreamSubscription | undefined;
  #followers = 0;
  /** Subscriptions in a row that have ended without a word from the server. */
  #failures = 0;
  #beat: NodeJS.Timeout | undefined;
  /** Where the log was at the last beat: the subscription must be there by the next one. */
  #due = 0n;

  constructor(private readonly options: TailOptions) {}

  join(): void {
    this.#followers += 1;
  }

  leave(): void {
    this.#followers -= 1;
    if (this.#followers === 0) this.#end();
  }

  /** Ends it, and wakes those who wait. */
  close(): void {
    this.#closing.abort();
    this.#end();
  }

  /** Whether it has every event after the position that there is, as far as it knows. */
  covers(position: bigint): boolean {
    return this.#subscription !== undefined && position >= this.#recent.after;
  }

  /** The events after a position that are at hand. */
  after(position: bigint, limit: number): StoredEvent[] {
    return this.#subscription ? this.#recent.between(position, this.#watch.reached, limit) : [];
  }

  /** Resolves when there may be events after a position, here or in the log, or the signal is aborted. */
  async beyond(position: bigint, signal: AbortSignal): Promise<void> {
    if (!this.#subscription && this.#failures > 0) {
      await delay(pauseAfter(this.#failures), undefined, { signal }).catch(() => {});
    }
    if (signal.aborted || this.#closing.signal.aborted) return;
    if (!this.#subscription) this.#begin(position);
    if (this.covers(position)) await this.#watch.beyond(position, signal);
  }

  /**
   * The events of an append that has just been acknowledged, if they come soon: nearly always they do within a
   * millisecond or two, and often before the acknowledgement.
   * @param position - of its last event
   */
  async arrivals(position: bigint, count: number, patienceMs: number): Promise<StoredEvent[]> {
    if (!this.#subscription) return [];
    if (this.#watch.reached < position) await this.#arrival(position, patienceMs);
    return this.#recent.endingAt(position, count);
  }

  async #arrival(position: bigint, patienceMs: number): Promise<void> {
    const come = new AbortController();
    void this.#watch.beyond(position - 1n, this.#closing.signal).then(() => come.abort());
    await delay(patienceMs, undefined, { signal: come.signal }).catch(() => {});
  }

  #begin(position: bigint): void {
    const { connection, namespace } = this.options;
    this.#recent.clear(position);
    this.#watch.beginAt(position);
    this.#due = position;
    const fromPosition = position === 0n ? START : { commit: position, prepare: position };
    const subscription = connection.client.subscribeToAll({ fromPosition, filter: namespace.filter });
    this.#subscription = subscription;
    this.#failures += 1;
    const endThis = () => {
      if (this.#subscription === subscription) this.#end();
    };
    subscription
      .on('confirmation', () => {
        this.#failures = 0;
      })
      .on('data', ({ event }) => {
        if (event && this.#subscription === subscription) this.#take(event);
      })
      .on('error', endThis)
      .on('end', endThis)
      .on('close', endThis);
    this.#compareLater(subscription);
  }

  #take(event: AllStreamRecordedEvent): void {
    const stored = fromKurrentEvent(event, this.options.namespace.streamOf(event.streamId));
    if (stored.position <= this.#watch.reached) return;
    this.#recent.push(stored, this.#watch.reached);
    this.#watch.advance(stored.position);
  }

  #compareLater(subscription: AllStreamSubscription, lookedForMs = 0): void {
    const { beatMs = 2_000 } = this.options;
    this.#beat = setTimeout(() => void this.#compare(subscription), Math.max(beatMs, lookedForMs / lookingShare));
  }

  async #compare(subscription: AllStreamSubscription): Promise<void> {
    const begun = performance.now();
    const head = await this.options.head().catch(() => undefined);
    if (this.#subscription !== subscription) return;
    if (head !== undefined && this.#watch.reached < this.#due) return this.#end();
    this.#due = head ?? this.#due;
    this.#compareLater(subscription, performance.now() - begun);
  }

  #end(): void {
    clearTimeout(this.#beat);
    const subscription = this.#subscription;
    this.#subscription = undefined;
    this.#watch.wakeAll();
    void subscription?.unsubscribe().catch(() => {});
  }
}
