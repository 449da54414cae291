import { maySee } from '../../domain/access.js';
import type { FeedMessage } from '../broker/subjects.js';
import type { Feed } from './feed.js';
import { pageSize } from './feed-log.js';
import type { Follower } from './follower.js';
import type { EdgeSocket } from './transport/port.js';

const leastPageSize = 8;

/** Who a subscription sends to. */
export interface Subscriber {
  readonly socket: EdgeSocket;
  /** The backlog is too large to send more: `Subscription.catchUp` is to be called once it has drained. */
  stalled(): void;
  /** The subscription ended because its person may not follow the feed any longer. */
  ended(subscription: Subscription): void;
  /** What is missing can't be read. */
  failed(error: unknown): void;
}

/**
 * One socket's following of one feed. `behind` it catches up from its own revision; `live` it is in the feed's topic
 * and has been sent everything up to the feed's cursor.
 */
export class Subscription {
  state: 'opening' | 'behind' | 'live' | 'ended' = 'opening';
  /** While not live: revision of the first frame not yet sent. */
  next = 0;
  /** Whether it is in the topic of the feed's moderators, while live. */
  moderates = false;
  #catchingUp = false;
  #pageSize = 64;

  constructor(
    readonly feed: Feed,
    readonly follower: Follower,
    readonly subscriber: Subscriber,
  ) {}

  /** Sends what the socket lacks and joins the feed's topic in the same step as the last of it. */
  async catchUp(): Promise<void> {
    if (this.#catchingUp) return;
    this.#catchingUp = true;
    try {
      while (this.#mayGoOn()) {
        const frames = this.feed.recent(this.next) ?? (await this.feed.readLog(this.next, this.#pageSize));
        if (frames.length === 0) throw new Error(`${this.feed.name} has nothing at revision ${this.next}`);
        this.#adapt(frames.length, this.#sendAll(frames));
      }
    } catch (error) {
      if (this.state === 'behind') this.subscriber.failed(error);
    } finally {
      this.#catchingUp = false;
    }
  }

  /** Whether there is more to send, and room for it. */
  #mayGoOn(): boolean {
    if (this.state !== 'behind') return false;
    const end = this.feed.lastVisible(this.follower);
    if (end !== undefined && this.next > end) this.feed.end(this);
    else if (this.next > this.feed.cursor) this.feed.goLive(this);
    else if (this.subscriber.socket.backlog > this.feed.limits.drainedBytes) this.subscriber.stalled();
    else return true;
    return false;
  }

  /** Sends as many of the frames as there is room for. @returns how many */
  #sendAll(frames: readonly FeedMessage[]): number {
    let sent = 0;
    while (sent < frames.length && this.#mayGoOn()) sent += this.#sendSome(frames, sent);
    return sent;
  }

  #sendSome(frames: readonly FeedMessage[], start: number): number {
    const last = Math.min(this.feed.cursor, this.feed.lastVisible(this.follower) ?? Number.POSITIVE_INFINITY);
    const texts: string[] = [];
    let characters = 0;
    for (let index = start; index < frames.length && characters <= this.feed.limits.drainedBytes; index += 1) {
      const frame = frames[index] as FeedMessage;
      if (frame.revision > last) break;
      const text = this.#maySee(frame) ? frame.frame : bareText(frame);
      texts.push(text);
      characters += text.length;
    }
    this.next += texts.length;
    this.subscriber.socket.send(...texts);
    return texts.length;
  }

  /** A slow socket is to be read no more for than it takes. */
  #adapt(read: number, sent: number): void {
    this.#pageSize = sent < read ? Math.max(leastPageSize, sent) : Math.min(pageSize, this.#pageSize * 2);
  }

  #maySee({ audience, revision }: FeedMessage): boolean {
    if (audience === 'nobody' || (audience === 'moderators' && !this.follower.moderates)) return false;
    return maySee(this.feed.access, this.follower.membership, revision);
  }
}

/** The frame of an event that is not for the follower. */
export function bareText({ feed, revision, position }: FeedMessage): string {
  return JSON.stringify({ op: 'event', feed, revision, position });
}
