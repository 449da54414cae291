import type { FeedMessage } from '../broker/subjects.js';
import type { EdgeLimits } from './limits.js';
import { bareText, type Subscription } from './subscription.js';
import type { Tick } from './tick.js';
import type { EdgeTransport } from './transport/port.js';

export interface LiveFollowersOptions {
  readonly feed: string;
  readonly transport: Pick<EdgeTransport, 'publish'>;
  readonly limits: EdgeLimits;
  readonly tick: Tick;
}

/** The subscriptions of a feed that have everything up to its cursor: the members of its topics. */
export class LiveFollowers {
  readonly #subscriptions = new Set<Subscription>();
  readonly #moderatorsTopic: string;
  #moderators = 0;
  #tick = -1;
  /** In characters, as `#unchecked`. */
  #publishedInTick = 0;
  #unchecked = 0;

  constructor(private readonly options: LiveFollowersOptions) {
    this.#moderatorsTopic = `${options.feed}/moderators`;
  }

  get size(): number {
    return this.#subscriptions.size;
  }

  add(subscription: Subscription): void {
    subscription.moderates = subscription.follower.moderates;
    if (subscription.moderates) this.#moderators += 1;
    subscription.subscriber.socket.join(this.#topicOf(subscription));
    this.#subscriptions.add(subscription);
  }

  remove(subscription: Subscription): void {
    if (!this.#subscriptions.delete(subscription)) return;
    if (subscription.moderates) this.#moderators -= 1;
    subscription.subscriber.socket.leave(this.#topicOf(subscription));
  }

  /** Sends a frame to all that are here, to each as they may see it. */
  publish(message: FeedMessage): void {
    const { feed, transport } = this.options;
    const { audience, frame } = message;
    transport.publish(feed, audience === 'followers' ? frame : bareText(message));
    if (this.#moderators > 0) {
      transport.publish(this.#moderatorsTopic, audience === 'nobody' ? bareText(message) : frame);
    }
  }

  /**
   * To be asked before a frame is published: who has such a backlog that frames could get lost. What was published
   * within this tick is not in the backlogs yet; with too much of it, it is everybody.
   */
  slow(characters: number): Subscription[] {
    const { tick, limits } = this.options;
    let slow: Subscription[] = [];
    if (tick.now() !== this.#tick) {
      this.#tick = tick.now();
      this.#publishedInTick = 0;
      if (this.#unchecked > limits.uncheckedBytes) slow = this.#behind();
    }
    this.#unchecked += characters;
    this.#publishedInTick += characters;
    return this.#publishedInTick > limits.tickBytes ? [...this.#subscriptions] : slow;
  }

  #behind(): Subscription[] {
    this.#unchecked = 0;
    const { behindBytes } = this.options.limits;
    const behind: Subscription[] = [];
    for (const subscription of this.#subscriptions) {
      if (subscription.subscriber.socket.backlog > behindBytes) behind.push(subscription);
    }
    return behind;
  }

  #topicOf(subscription: Subscription): string {
    return subscription.moderates ? this.#moderatorsTopic : this.options.feed;
  }
}
