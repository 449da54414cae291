import { type AccessChange, evolveMembership, isModerator, type Membership } from '../../domain/access.js';
import type { Subscription } from './subscription.js';

type MembershipChange = Exclude<AccessChange, { kind: 'visibility' }>;

/**
 * A person with sockets here that follow a feed, and their membership of it: loaded once, then evolved with the
 * feed's frames. What the frames change while it is being loaded is folded in after.
 */
export class Follower {
  readonly subscriptions = new Set<Subscription>();
  membership: Membership | undefined;
  #loaded = false;
  #early: [revision: number, change: MembershipChange][] = [];

  /** Settles once the membership is loaded. */
  readonly loading: Promise<void>;

  constructor(
    readonly personId: string,
    load: (follower: Follower) => Promise<void>,
  ) {
    this.loading = load(this);
  }

  get moderates(): boolean {
    return isModerator(this.membership);
  }

  load(membership: Membership | undefined): void {
    this.#loaded = true;
    this.membership = membership;
    for (const [revision, change] of this.#early) this.evolve(revision, change);
    this.#early = [];
  }

  evolve(revision: number, change: MembershipChange): void {
    if (this.#loaded) this.membership = evolveMembership(this.membership, revision, change);
    else this.#early.push([revision, change]);
  }
}
