import { describe, expect, it } from 'vitest';
import {
  type AccessChange,
  evolveFeedAccess,
  evolveMembership,
  type FeedAccess,
  type Membership,
  mayFollow,
  maySee,
  type Visibility,
} from '../../domain/access.js';

type MemberChange = Exclude<AccessChange, { kind: 'visibility' }>;
const joined: MemberChange = { kind: 'joined', person: 'p', role: 'member' };
const left: MemberChange = { kind: 'left', person: 'p' };

function membershipAfter(...changes: [revision: number, change: MemberChange][]): Membership | undefined {
  return changes.reduce<Membership | undefined>(
    (membership, [revision, change]) => evolveMembership(membership, revision, change),
    undefined,
  );
}

function feed(visibility: Visibility): FeedAccess {
  return evolveFeedAccess(undefined, 100, [{ kind: 'visibility', visibility }]);
}

function visible(visibility: Visibility, membership: Membership | undefined): number[] {
  return [0, 4, 5, 9, 10, 11, 49, 50, 99].filter((revision) => maySee(feed(visibility), membership, revision));
}

describe('who joined at 5, was removed at 10 and is back at 50', () => {
  const membership = membershipAfter([5, joined], [10, left], [50, joined]);

  it('sees what came meanwhile in neither', () => {
    expect(visible('since-joined', membership)).toEqual([5, 9, 10, 50, 99]);
    expect(visible('members', membership)).toEqual([0, 4, 5, 9, 10, 50, 99]);
  });

  it('may follow', () => {
    expect(mayFollow(feed('since-joined'), membership)).toBe(true);
  });
});

describe('who was removed', () => {
  const membership = membershipAfter([5, joined], [10, left]);

  it('sees their removal as the last event, and may not follow', () => {
    expect(visible('since-joined', membership)).toEqual([5, 9, 10]);
    expect(mayFollow(feed('members'), membership)).toBe(false);
  });

  it('still follows what everyone may', () => {
    expect(mayFollow(feed('everyone'), membership)).toBe(true);
    expect(visible('everyone', membership)).toHaveLength(9);
  });
});

describe('who never joined', () => {
  it('sees nothing but what everyone may', () => {
    expect(visible('members', undefined)).toEqual([]);
    expect(visible('since-joined', undefined)).toEqual([]);
    expect(visible('everyone', undefined)).toHaveLength(9);
  });
});

it('a change that was folded already changes nothing', () => {
  const membership = membershipAfter([5, joined], [10, left]);
  expect(evolveMembership(structuredClone(membership), 5, joined)).toEqual(membership);
  expect(evolveMembership(structuredClone(membership), 10, left)).toEqual(membership);
});
