import { type FeedRole, feedRoles } from './access.js';
import { type Actor, systemActor } from './decider.js';

/** Who may do what: the one table of what roles allow. A role of the platform stands beside those that each feed gives. */

/** Everyone has one of these. */
export const platformRoles = ['member', 'analyst', 'instructor', 'moderator', 'admin'] as const;
export type PlatformRole = (typeof platformRoles)[number];

/** What a role of the platform may allow, beyond what everyone may who is logged in. */
export type PlatformPermission =
  /** List accounts, with their e-mail addresses, roles and states. */
  | 'accounts.read'
  /** Make accounts and change those of others. */
  | 'accounts.change'
  /** Shut people out, and let them in again. */
  | 'accounts.deactivate'
  | 'accounts.forget'
  | 'roles.assign'
  /** See and end the sessions of others. */
  | 'sessions.end'
  | 'audit.read'
  | 'addresses.rule'
  /** Remove what others wrote, and remove people from feeds that are not one's own. */
  | 'feeds.moderate';

const platformPermissions: Readonly<Record<PlatformRole, readonly PlatformPermission[]>> = {
  member: [],
  analyst: [],
  instructor: [],
  moderator: ['accounts.read', 'feeds.moderate'],
  admin: [
    'accounts.read',
    'accounts.change',
    'accounts.deactivate',
    'accounts.forget',
    'roles.assign',
    'sessions.end',
    'audit.read',
    'addresses.rule',
    'feeds.moderate',
  ],
};

/** What a role in a feed allows there. */
export type FeedPermission = 'post' | 'delete-any-message' | 'add-member' | 'remove-member';

const leastRole: Readonly<Record<FeedPermission, FeedRole>> = {
  post: 'member',
  'delete-any-message': 'moderator',
  'add-member': 'moderator',
  'remove-member': 'moderator',
};

/** What may be done to a feed by whoever moderates the whole platform. */
const ofModerators: ReadonlySet<FeedPermission> = new Set(['delete-any-message', 'remove-member']);

/** Whether the actor's role on the platform allows it; the system may everything. */
export function may({ id, role = 'member' }: Actor, permission: PlatformPermission): boolean {
  return id === systemActor.id || platformPermissions[role].includes(permission);
}

/** Whether the actor may do this in a feed that gives them `role`, or none. */
export function mayIn(role: FeedRole | undefined, actor: Actor, permission: FeedPermission): boolean {
  if (actor.id === systemActor.id) return true;
  if (role !== undefined && feedRoles.indexOf(role) >= feedRoles.indexOf(leastRole[permission])) return true;
  return ofModerators.has(permission) && may(actor, 'feeds.moderate');
}
