import { type AccessChange, evolveMembership, isModerator, type Membership } from '../../domain/access.js';
import type { Subscription } from './subscription.js';

type MembershipChange = Exclude<AccessChange, { kind: 'visibility' }>;

/**
 * A person with sockets here that follow a feed, and their membership of it: loaded once, then evolved with the
 * feed's frames. What the frames change while it is being loaded is folded in after.
 */
export class Follower {
  /** Few: an array takes less memory than a set. */
  readonly subscriptions: Subscription[] = [];
  membership: Membership | undefined;
  /** Settles once the membership is loaded; undefined from then on. */
  loading: Promise<void> | undefined;
  #early: [revision: number, change: MembershipChange][] | undefined = [];

  constructor(readonly personId: string) {}

  get moderates(): boolean {
    return isModerator(this.membership);
  }

  add(subscription: Subscription): void {
    this.subscriptions.push(subscription);
  }

  remove(subscription: Subscription): void {
    const index = this.subscriptions.indexOf(subscription);
    if (index >= 0) this.subscriptions.splice(index, 1);
  }

  loaded(membership: Membership | undefined): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    this.membership = membership;
    for (const [revision, change] of early) this.evolve(revision, change);
  }

  evolve(revision: number, change: MembershipChange): void {
    if (this.#early) this.#early.push([revision, change]);
    else this.membership = evolveMembership(this.membership, revision, change);
  }
}
