/**
 * Who may see what of a feed: a fold of the feed's own events, used alike by queries, the edge and replay.
 */

/** `since-joined`: only what came while one was a member. `members`: also what came before one first joined. */
export const visibilities = ['members', 'since-joined', 'everyone'] as const;
export type Visibility = (typeof visibilities)[number];

/** What a feed grants a member, from the least to the most. */
export const feedRoles = ['guest', 'member', 'moderator', 'admin', 'owner'] as const;
export type FeedRole = (typeof feedRoles)[number];

/** What one event changes in the access to its feed. */
export type AccessChange =
  | { readonly kind: 'visibility'; readonly visibility: Visibility }
  | { readonly kind: 'joined'; readonly person: string; readonly role: FeedRole }
  | { readonly kind: 'left'; readonly person: string }
  | { readonly kind: 'role'; readonly person: string; readonly role: FeedRole };

/** One document a feed. `revision` is that of the last event folded: a query returns nothing beyond it. */
export interface FeedAccess {
  visibility: Visibility;
  revision: number;
}

/** Revisions seen as a member, both ends included; an open end is `null`. The event of leaving is the last one seen. */
export type MembershipInterval = [from: number, to: number | null];

/** One document a (feed, person). `revision` is that of the last event that changed it. */
export interface Membership {
  intervals: MembershipInterval[];
  role: FeedRole;
  revision: number;
}

/** A feed's access after an event at `revision` that changed `change`. Events already folded change nothing. */
export function evolveFeedAccess(
  access: FeedAccess | undefined,
  revision: number,
  changes: readonly AccessChange[],
): FeedAccess {
  const next = access ?? { visibility: 'members', revision: -1 };
  if (revision <= next.revision) return next;
  next.revision = revision;
  for (const change of changes) if (change.kind === 'visibility') next.visibility = change.visibility;
  return next;
}

/** A person's membership after `change`, which the event at `revision` made. Changes already folded change nothing. */
export function evolveMembership(
  membership: Membership | undefined,
  revision: number,
  change: Exclude<AccessChange, { kind: 'visibility' }>,
): Membership {
  const next = membership ?? { intervals: [], role: 'member', revision: -1 };
  if (revision <= next.revision) return next;
  next.revision = revision;
  const last = next.intervals.at(-1);
  const open = last !== undefined && last[1] === null;
  switch (change.kind) {
    case 'joined':
      next.role = change.role;
      if (!open) next.intervals.push([revision, null]);
      break;
    case 'left':
      if (open) last[1] = revision;
      break;
    case 'role':
      next.role = change.role;
      break;
  }
  return next;
}

/** Whether someone is a member now. */
export function isMember(membership: Membership | undefined): boolean {
  return membership !== undefined && membership.intervals.at(-1)?.[1] === null;
}

/** Whether someone may follow the feed or query it now. */
export function mayFollow(access: FeedAccess, membership: Membership | undefined): boolean {
  return access.visibility === 'everyone' || isMember(membership);
}

/** First revision seen of the membership's interval at `index`, which begins at `from`. */
export function seenFrom({ visibility }: FeedAccess, index: number, from: number): number {
  return index === 0 && visibility === 'members' ? 0 : from;
}

/** Whether someone may see the event at `revision`, whether live, caught up, queried or replayed. */
export function maySee(access: FeedAccess, membership: Membership | undefined, revision: number): boolean {
  if (access.visibility === 'everyone') return true;
  const intervals = membership?.intervals ?? [];
  for (const [index, [from, to]] of intervals.entries()) {
    if (revision >= seenFrom(access, index, from) && (to === null || revision <= to)) return true;
  }
  return false;
}

/** Whether someone may see what is for the feed's moderators. */
export function isModerator(membership: Membership | undefined): boolean {
  return isMember(membership) && feedRoles.indexOf(membership?.role ?? 'guest') >= feedRoles.indexOf('moderator');
}
