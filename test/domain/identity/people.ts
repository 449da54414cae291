import type { Actor } from '../../../domain/decider.js';
import {
  AccountDeactivated,
  AccountForgotten,
  AccountReactivated,
  AccountRegistered,
  RoleAssigned,
} from '../../../domain/identity/account/credentials.js';
import { platformRoles } from '../../../domain/permissions.js';
import { idOf, noon, past } from '../specification.js';

/** Ann, whose account the specifications are about, and everybody else who may want something of it. */

export const annId = idOf(1);
export const bobId = idOf(2);
export const annsAccount = `account-${annId}`;

export const ann: Actor = { id: annId, session: idOf(8), role: 'member' };
export const bob: Actor = { id: bobId, role: 'member' };
export const admin: Actor = { id: idOf(3), role: 'admin' };
/** Others of every role that may not administer. */
export const others: readonly Actor[] = platformRoles
  .filter((role) => role !== 'admin')
  .map((role) => ({ id: bobId, role }));

const email = 'ann@example.org';

/** Revision 0: her password and her address. */
export const registered = past(
  annsAccount,
  AccountRegistered({ personId: annId, email, username: 'ann', passwordHash: 'hash' }),
);
export const isAdmin = past(annsAccount, RoleAssigned({ personId: annId, role: 'admin' }));
export const deactivated = past(annsAccount, AccountDeactivated({ personId: annId, reason: null }));
export const reactivated = past(annsAccount, AccountReactivated({ personId: annId }));
export const forgotten = past(annsAccount, AccountForgotten({ personId: annId }));

export const hourMs = 3_600_000;
export const inAnHour = new Date(noon + hourMs).toISOString();
export const anHourAgo = new Date(noon - hourMs).toISOString();
