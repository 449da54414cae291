import { describe, expect, it } from 'vitest';
import { feedRoles } from '../../domain/access.js';
import { systemActor } from '../../domain/decider.js';
import {
  type FeedPermission,
  may,
  mayIn,
  type PlatformPermission,
  type PlatformRole,
  platformRoles,
} from '../../domain/permissions.js';
import { idOf } from './specification.js';

/** The whole table once more, as it is meant. */
const allowed: Readonly<Record<PlatformPermission, readonly PlatformRole[]>> = {
  'accounts.read': ['moderator', 'admin'],
  'accounts.change': ['admin'],
  'accounts.deactivate': ['admin'],
  'accounts.forget': ['admin'],
  'roles.assign': ['admin'],
  'sessions.end': ['admin'],
  'audit.read': ['admin'],
  'addresses.rule': ['admin'],
  'feeds.moderate': ['moderator', 'admin'],
};

const permissions = Object.keys(allowed) as PlatformPermission[];

describe('a role of the platform', () => {
  it.each(platformRoles)('%s allows what is meant, and nothing else', (role) => {
    const actor = { id: idOf(1), role };
    const found = permissions.filter((permission) => may(actor, permission));
    expect(found).toEqual(permissions.filter((permission) => allowed[permission].includes(role)));
  });

  it('that is not told is a member’s', () => {
    expect(permissions.filter((permission) => may({ id: idOf(1) }, permission))).toEqual([]);
  });

  it('is not what the system needs', () => {
    expect(permissions.filter((permission) => may(systemActor, permission))).toEqual(permissions);
  });
});

describe('a role in a feed', () => {
  const member = { id: idOf(1) };
  const inFeed: readonly FeedPermission[] = ['post', 'delete-any-message', 'add-member', 'remove-member'];
  const allowedTo = (role: (typeof feedRoles)[number] | undefined, actor = member) =>
    inFeed.filter((permission) => mayIn(role, actor, permission));

  it.each([
    ['nobody there', undefined, []],
    ['a guest', 'guest', []],
    ['a member', 'member', ['post']],
    ['a moderator', 'moderator', inFeed],
    ['an admin', 'admin', inFeed],
    ['the owner', 'owner', inFeed],
  ] as const)('of %s allows what is meant', (_who, role, expected) => {
    expect(allowedTo(role)).toEqual(expected);
  });

  it.each(['moderator', 'admin'] as const)('is not what a %s of the platform needs to moderate', (role) => {
    expect(allowedTo(undefined, { id: idOf(1), role } as never)).toEqual(['delete-any-message', 'remove-member']);
  });

  it.each(['analyst', 'instructor'] as const)('is not given by being %s of the platform', (role) => {
    expect(allowedTo(undefined, { id: idOf(1), role } as never)).toEqual([]);
  });

  it('is not what the system needs', () => {
    expect(allowedTo(undefined, systemActor)).toEqual(inFeed);
  });
});
