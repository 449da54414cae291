import {
  type AccessChange,
  evolveFeedAccess,
  evolveMembership,
  type FeedAccess,
  type Membership,
} from '../../domain/access.js';
import { events, feedCategories } from '../../domain/catalogue.js';
import type { RecordedEvent } from '../../domain/event.js';
import type { Collection, Projection } from '../projection.js';
import { onAny } from '../projection.js';
import type { Reader } from '../reader.js';

/** Who may see what of each feed: folded from every feed's events as their types declare it. */

type MembershipChange = Exclude<AccessChange, { kind: 'visibility' }>;

const nothing: readonly never[] = [];

/** By feed. Its revision moves with every event, so that queries know how far this projection is. */
const feedAccess: Collection<FeedAccess> = {
  name: 'feedAccess',
  indexes: [],
  folds: new Map([
    onAny(
      (event) => (isOfFeed(event) ? [event.stream] : nothing),
      (access: FeedAccess | undefined, event) => evolveFeedAccess(access, event.revision, changesOf(event)),
    ),
  ]),
};

/** By `<feed>/<person>`. */
const memberships: Collection<Membership> = {
  name: 'memberships',
  indexes: [],
  folds: new Map([
    onAny(
      (event) => membershipChanges(event).map(({ person }) => membershipId(event.stream, person)),
      (membership: Membership | undefined, event, id) => {
        const change = membershipChanges(event).find(({ person }) => membershipId(event.stream, person) === id);
        return change ? evolveMembership(membership, event.revision, change) : membership;
      },
    ),
  ]),
};

export const accessProjection: Projection = { name: 'access', version: 1, collections: [memberships, feedAccess] };

/** A feed's access and what a person has of it. */
export interface PersonalAccess {
  readonly access: FeedAccess;
  readonly membership: Membership | undefined;
}

/** @returns undefined if there is no such feed */
export async function loadAccess(reader: Reader, feed: string, person: string): Promise<PersonalAccess | undefined> {
  const access = await reader.get<FeedAccess>('feedAccess', feed);
  if (!access) return undefined;
  return { access, membership: await reader.get<Membership>('memberships', membershipId(feed, person)) };
}

export function membershipId(feed: string, person: string): string {
  return `${feed}/${person}`;
}

function isOfFeed(event: RecordedEvent): boolean {
  return feedCategories.has(event.stream.slice(0, event.stream.indexOf('-')));
}

function changesOf(event: RecordedEvent): readonly AccessChange[] {
  return events.get(event.type)?.access(event) ?? nothing;
}

/** At most one for each person. */
function membershipChanges(event: RecordedEvent): readonly MembershipChange[] {
  const changes = changesOf(event);
  if (changes.length === 0 || !isOfFeed(event)) return nothing;
  return changes.filter((change) => change.kind !== 'visibility');
}
