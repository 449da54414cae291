import { evolveFeedAccess, type FeedAccess, type Membership, mayFollow } from '../../domain/access.js';
import type { Broker, Subscription as BrokerSubscription } from '../broker/port.js';
import { type FeedMessage, feedSubject } from '../broker/subjects.js';
import { Refused } from '../problems.js';
import type { FeedLog } from './feed-log.js';
import { pageSize } from './feed-log.js';
import { Follower } from './follower.js';
import type { EdgeLimits } from './limits.js';
import { RecentFrames } from './recent-frames.js';
import { bareText, type Subscriber, Subscription } from './subscription.js';
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

/** How long a missing frame is waited for before it is read from the log, in ms. */
const gapMs = 20;
/** How long after a failed repair the next one is tried, in ms. */
const retryMs = 500;
/** Failed repairs after which the followers are told to connect again. */
const mostFailures = 4;
/** Most frames that wait for one before them; what is beyond is read from the log. */
const mostPending = 2_000;

/**
 * A feed with followers here: its cursor, who may see what, and its latest frames. Frames are applied in the order of
 * their revisions, each once; what the broker lost is read from the log.
 */
export class Feed {
  /** Revision of the last frame applied. */
  cursor = -1;
  access: FeedAccess = { visibility: 'members', revision: -1 };
  readonly limits: EdgeLimits;
  #position = '0';
  /** Last revision known to be there. */
  #head = -1;
  #opened = false;
  #repairing: Promise<void> | undefined;
  #gapTimer: NodeJS.Timeout | undefined;
  #failures = 0;
  #tick = -1;
  /** In characters, as `#unchecked`. */
  #publishedInTick = 0;
  #unchecked = 0;
  #liveModerators = 0;
  readonly #pending = new Map<number, FeedMessage>();
  readonly #recent = new RecentFrames();
  readonly #followers = new Map<string, Follower>();
  readonly #live = new Set<Subscription>();
  readonly #moderatorsTopic: string;
  readonly #brokerSubscription: BrokerSubscription;

  private constructor(
    readonly name: string,
    private readonly environment: FeedEnvironment,
  ) {
    this.limits = environment.limits;
    this.#moderatorsTopic = `${name}/moderators`;
    this.#brokerSubscription = environment.broker.subscribe(feedSubject(name), (message) =>
      this.#offer(message as FeedMessage),
    );
  }

  /** @throws {Refused} `not-found` if the stream has no events */
  static async open(name: string, environment: FeedEnvironment): Promise<Feed> {
    const feed = new Feed(name, environment);
    try {
      const access = await environment.accessReader.feedAccess(name);
      if (access) {
        feed.access = access;
        feed.cursor = access.revision;
      }
      feed.#opened = true;
      await feed.repair();
      if (feed.cursor < 0) throw new Refused('not-found');
      return feed;
    } catch (error) {
      feed.close();
      throw error;
    }
  }

  close(): void {
    this.#brokerSubscription.unsubscribe();
    clearTimeout(this.#gapTimer);
    this.#opened = false;
  }

  /** Position of the last frame applied; 0 where the feed has not moved since it was opened. */
  get position(): bigint {
    return BigInt(this.#position);
  }

  /** Number of subscriptions in the feed's topics. */
  get live(): number {
    return this.#live.size;
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

  /** Ends a subscription, whatever its state; nothing more is sent. */
  leave(subscription: Subscription): void {
    if (subscription.state === 'live') this.#leaveTopic(subscription);
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

  /** Sends a subscription everything from a revision on. */
  start(subscription: Subscription, from: number): void {
    subscription.next = from;
    subscription.state = 'behind';
    void subscription.catchUp();
  }

  /** Joins the topic: the socket has been sent everything up to the cursor. */
  goLive(subscription: Subscription): void {
    subscription.state = 'live';
    subscription.moderates = subscription.follower.moderates;
    if (subscription.moderates) this.#liveModerators += 1;
    subscription.subscriber.socket.join(subscription.moderates ? this.#moderatorsTopic : this.name);
    this.#live.add(subscription);
  }

  #leaveTopic(subscription: Subscription): void {
    this.#live.delete(subscription);
    if (subscription.moderates) this.#liveModerators -= 1;
    subscription.subscriber.socket.leave(subscription.moderates ? this.#moderatorsTopic : this.name);
  }

  // Frames

  /** Latest frames from a revision on, if they are held. */
  recent(from: number): readonly FeedMessage[] | undefined {
    return this.#recent.from(from, pageSize);
  }

  readLog(from: number, limit: number): Promise<FeedMessage[]> {
    return this.environment.log.read(this.name, from, limit);
  }

  /** Hears that the feed's log has come to this revision. */
  noteHead(revision: number): void {
    if (revision > this.#head) this.#head = revision;
    this.#watchGap();
  }

  /**
   * Applies what the log holds up to this revision.
   * @throws if the log does not hold it
   */
  async reach(revision: number): Promise<void> {
    // a repair that was under way may have read before the revision was there
    for (let tries = 0; tries < 2 && this.cursor < revision; tries += 1) await this.repair();
    if (this.cursor < revision) throw new Refused('projection-behind');
  }

  /** Reads and applies what the log holds beyond the cursor. */
  repair(): Promise<void> {
    this.#repairing ??= this.#readOn().finally(() => {
      this.#repairing = undefined;
    });
    return this.#repairing;
  }

  async #readOn(): Promise<void> {
    for (;;) {
      const page = await this.readLog(this.cursor + 1, pageSize);
      for (const message of page) this.#offer(message);
      if (page.length < pageSize) return;
    }
  }

  #offer(message: FeedMessage): void {
    const { revision } = message;
    if (revision <= this.cursor && this.#opened) return;
    if (revision === this.cursor + 1 && this.#opened) {
      this.#apply(message);
      this.#applyPending();
    } else {
      if (this.#pending.size < mostPending) this.#pending.set(revision, message);
      if (revision > this.#head) this.#head = revision;
      this.#watchGap();
    }
  }

  #applyPending(): void {
    while (this.#pending.size > 0) {
      const next = this.#pending.get(this.cursor + 1);
      if (!next) break;
      this.#apply(next);
    }
  }

  #watchGap(delay: number = gapMs): void {
    if (!this.#opened || this.#gapTimer || this.#head <= this.cursor) return;
    this.#gapTimer = setTimeout(() => void this.#closeGap(), delay);
  }

  async #closeGap(): Promise<void> {
    try {
      if (this.#head > this.cursor) await this.repair();
      this.#failures = 0;
    } catch (error) {
      this.environment.onError(error);
      this.#failures += 1;
      if (this.#failures >= mostFailures) this.#failFollowers(error);
    }
    this.#gapTimer = undefined;
    this.#watchGap(retryMs);
  }

  #failFollowers(error: unknown): void {
    for (const subscription of this.#subscriptions()) subscription.subscriber.failed(error);
  }

  #apply(message: FeedMessage): void {
    this.#pending.delete(message.revision);
    if (this.#live.size > 0) this.#withdrawSlow(message.frame.length);
    this.cursor = message.revision;
    this.#position = message.position;
    this.#recent.push(message);
    if (this.#live.size > 0) this.#publish(message);
    this.access = evolveFeedAccess(this.access, message.revision, message.access);
    if (message.access.length > 0) this.#changeAccess(message);
  }

  #publish(message: FeedMessage): void {
    const { transport } = this.environment;
    const { audience, frame } = message;
    transport.publish(this.name, audience === 'followers' ? frame : bareText(message));
    if (this.#liveModerators > 0) {
      transport.publish(this.#moderatorsTopic, audience === 'nobody' ? bareText(message) : frame);
    }
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
      this.#leaveTopic(subscription);
      this.goLive(subscription);
    }
  }

  #subscriptions(): Subscription[] {
    return [...this.#followers.values()].flatMap(({ subscriptions }) => [...subscriptions]);
  }

  // Backpressure

  /**
   * Takes sockets with a backlog out of the topics, where frames could get lost. What was published within this tick is
   * not in their backlogs yet; too much of it, and all of them leave.
   */
  #withdrawSlow(characters: number): void {
    const tick = this.environment.tick.now();
    if (tick !== this.#tick) {
      this.#tick = tick;
      this.#publishedInTick = 0;
      if (this.#unchecked > this.limits.uncheckedBytes) this.#withdrawBehind();
    }
    this.#unchecked += characters;
    this.#publishedInTick += characters;
    if (this.#publishedInTick > this.limits.tickBytes) for (const each of this.#live) this.#withdraw(each);
  }

  #withdrawBehind(): void {
    this.#unchecked = 0;
    const { behindBytes } = this.limits;
    for (const subscription of this.#live) {
      if (subscription.subscriber.socket.backlog > behindBytes) this.#withdraw(subscription);
    }
  }

  #withdraw(subscription: Subscription): void {
    this.#leaveTopic(subscription);
    subscription.state = 'behind';
    subscription.next = this.cursor + 1;
    setImmediate(() => void subscription.catchUp());
  }
}
