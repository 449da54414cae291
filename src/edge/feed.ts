import { evolveFeedAccess, type FeedAccess, type Membership, mayFollow } from '../../domain/access.js';
import type { Broker, Subscription as BrokerSubscription } from '../broker/port.js';
import { type FeedMessage, feedTopic } from '../broker/subjects.js';
import { Refused } from '../problems.js';
import { type FeedLog, pageSize } from './feed-log.js';
import { Follower } from './follower.js';
import { FrameSequence } from './frame-sequence.js';
import type { EdgeLimits } from './limits.js';
import { LiveFollowers } from './live-followers.js';
import { RecentFrames } from './recent-frames.js';
import { type Subscriber, Subscription } from './subscription.js';
import type { Tick } from './tick.js';
import type { EdgeTransport } from './transport/port.js';

/** What feeds read their beginning from. */
export interface AccessReader {
  /** Undefined where the projection has not seen the feed. */
  feedAccess(feed: string): Promise<FeedAccess | undefined>;
  /**
   * As of the event at this position, or later.
   * @throws {ProjectionBehind} if the projection does not get there in time
   */
  membership(feed: string, personId: string, position: bigint): Promise<Membership | undefined>;
}

export interface FeedEnvironment {
  readonly broker: Broker;
  readonly transport: Pick<EdgeTransport, 'publish'>;
  readonly log: FeedLog;
  readonly accessReader: AccessReader;
  readonly limits: EdgeLimits;
  readonly tick: Tick;
  onError(error: unknown): void;
}

/**
 * A feed with followers here: its frames in order, who may see what of them, and who is sent them live.
 */
export class Feed {
  access: FeedAccess = { visibility: 'members', revision: -1 };
  readonly limits: EdgeLimits;
  /** Position of the last frame; 0 where the feed has not moved since it was opened. */
  #position = '0';
  readonly #sequence: FrameSequence;
  readonly #recent = new RecentFrames();
  readonly #live: LiveFollowers;
  readonly #followers = new Map<string, Follower>();
  readonly #brokerSubscription: BrokerSubscription;

  private constructor(
    readonly name: string,
    private readonly environment: FeedEnvironment,
  ) {
    const { broker, log, onError } = environment;
    this.limits = environment.limits;
    this.#live = new LiveFollowers({ ...environment, feed: name });
    this.#sequence = new FrameSequence({
      feed: name,
      log,
      onFrame: (message) => this.#apply(message),
      onError,
      onLost: (error) => this.#fail(error),
    });
    this.#brokerSubscription = broker.subscribe(feedTopic(name), (message) => this.#sequence.offer(message));
  }

  /** @throws {Refused} `not-found` if the stream has no events */
  static async open(name: string, environment: FeedEnvironment): Promise<Feed> {
    const feed = new Feed(name, environment);
    try {
      feed.access = (await environment.accessReader.feedAccess(name)) ?? feed.access;
      await feed.#sequence.start(feed.access.revision);
      if (feed.cursor < 0) throw new Refused('not-found');
      return feed;
    } catch (error) {
      feed.close();
      throw error;
    }
  }

  close(): void {
    this.#brokerSubscription.unsubscribe();
    this.#sequence.stop();
  }

  /** Revision of the last frame. */
  get cursor(): number {
    return this.#sequence.cursor;
  }

  get position(): bigint {
    return BigInt(this.#position);
  }

  /** Number of subscriptions that are sent frames live. */
  get live(): number {
    return this.#live.size;
  }

  // Reading

  /** Latest frames from a revision on, if they are held. */
  recent(from: number): readonly FeedMessage[] | undefined {
    return this.#recent.from(from, pageSize);
  }

  /** Followers who are behind get what the log gives them now: someone in it was forgotten. */
  forgetRecent(): void {
    this.#recent.clear();
  }

  readLog(from: number, limit: number): Promise<FeedMessage[]> {
    return this.environment.log.read(this.name, from, limit);
  }

  /** Hears that the feed's log has come to this revision. */
  noteHead(revision: number): void {
    this.#sequence.noteHead(revision);
  }

  /** Takes in what the log holds. */
  repair(): Promise<void> {
    return this.#sequence.repair();
  }

  /** @throws {Refused} `projection-behind` if the log does not hold this revision */
  reach(revision: number): Promise<void> {
    return this.#sequence.reach(revision);
  }

  // Following

  /** A subscription of the person, who may turn out not to be allowed one. To be left when it is not wanted. */
  async follow(personId: string, subscriber: Subscriber): Promise<Subscription> {
    const follower = this.#followers.get(personId) ?? this.#admit(personId);
    const subscription = new Subscription(this, follower, subscriber);
    follower.add(subscription);
    try {
      await follower.loading;
    } catch (error) {
      this.leave(subscription);
      throw error;
    }
    return subscription;
  }

  #admit(personId: string): Follower {
    const follower = new Follower(personId);
    this.#followers.set(personId, follower);
    follower.loading = this.#load(follower);
    return follower;
  }

  /** Afterwards the membership is not ahead of the cursor. */
  async #load(follower: Follower): Promise<void> {
    const { accessReader } = this.environment;
    const membership = await accessReader.membership(this.name, follower.personId, this.position);
    follower.loaded(membership);
    if (membership) await this.reach(membership.revision);
    follower.loading = undefined;
  }

  mayFollow(follower: Follower): boolean {
    return mayFollow(this.access, follower.membership);
  }

  /** Where someone may not follow the feed: the last revision that they may see, or -1. */
  lastVisible(follower: Follower): number | undefined {
    return this.mayFollow(follower) ? undefined : (follower.membership?.intervals.at(-1)?.[1] ?? -1);
  }

  /** Sends a subscription everything from a revision on. */
  start(subscription: Subscription, from: number): void {
    subscription.next = from;
    subscription.state = 'behind';
    void subscription.catchUp();
  }

  /** From now on the subscription is sent frames as they come: it has everything up to the cursor. */
  goLive(subscription: Subscription): void {
    subscription.state = 'live';
    this.#live.add(subscription);
  }

  /** Ends a subscription, whatever its state; nothing more is sent. */
  leave(subscription: Subscription): void {
    this.#live.remove(subscription);
    subscription.state = 'ended';
    const { follower } = subscription;
    follower.remove(subscription);
    if (follower.subscriptions.length === 0 && this.#followers.get(follower.personId) === follower) {
      this.#followers.delete(follower.personId);
    }
  }

  /** Ends a subscription whose person may not follow any longer. */
  end(subscription: Subscription): void {
    this.leave(subscription);
    subscription.subscriber.ended(subscription);
  }

  // Frames

  #apply(message: FeedMessage): void {
    const { revision, position, access } = message;
    if (this.#live.size > 0) {
      for (const subscription of this.#live.slow(message.frame.length)) this.#withdraw(subscription, revision);
    }
    this.#position = position;
    this.#recent.push(message);
    if (this.#live.size > 0) this.#live.publish(message);
    this.access = evolveFeedAccess(this.access, revision, access);
    if (access.length > 0) this.#changeAccess(message);
  }

  /** From this revision on, the subscription catches up for itself. */
  #withdraw(subscription: Subscription, revision: number): void {
    this.#live.remove(subscription);
    subscription.state = 'behind';
    subscription.next = revision;
    setImmediate(() => void subscription.catchUp());
  }

  /** A removal's own frame is the last one that the person's sockets get. */
  #changeAccess({ revision, access }: FeedMessage): void {
    for (const change of access) {
      if (change.kind === 'visibility') {
        for (const subscription of this.#subscriptions()) this.#review(subscription);
        continue;
      }
      const follower = this.#followers.get(change.person);
      if (!follower) continue;
      follower.evolve(revision, change);
      for (const subscription of [...follower.subscriptions]) this.#review(subscription);
    }
  }

  /** Puts a live subscription where its person's rights are now. One that is behind finds out as it catches up. */
  #review(subscription: Subscription): void {
    if (subscription.state !== 'live') return;
    if (!this.mayFollow(subscription.follower)) this.end(subscription);
    else if (subscription.moderates !== subscription.follower.moderates) {
      this.#live.remove(subscription);
      this.#live.add(subscription);
    }
  }

  #fail(error: unknown): void {
    for (const { subscriber } of this.#subscriptions()) subscriber.failed(error);
  }

  #subscriptions(): Subscription[] {
    return [...this.#followers.values()].flatMap(({ subscriptions }) => subscriptions);
  }
}
