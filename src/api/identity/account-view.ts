import { z } from 'zod';
import type { Actor } from '../../../domain/decider.js';
import { may, platformRoles } from '../../../domain/permissions.js';
import type { Account } from '../../../projections/identity/accounts.js';
import type { Profile } from '../../../projections/identity/people.js';
import type { Reader } from '../../../projections/reader.js';
import { person } from '../replies.js';

/** People as the routes of users answer them. */

const profile = person.extend({
  timeZone: z.string().nullable(),
  locale: z.string().nullable(),
});

/** What only the person sees, and who may read accounts. */
const account = z.object({
  email: z.string().nullable(),
  emailVerified: z.boolean(),
  role: z.enum(platformRoles),
  status: z.enum(['active', 'deactivated', 'forgotten']),
  deactivationReason: z.string().nullable(),
  hasPassword: z.boolean(),
  secondFactor: z.boolean(),
  registeredAt: z.iso.datetime(),
});

/** Someone without an account is known from an import. */
export const userView = profile.extend({ account: account.optional() });
export const userInList = profile.extend(account.shape);
export type UserView = z.infer<typeof userView>;
export type UserInList = z.infer<typeof userInList>;

export function mayReadAccount(actor: Actor, owner: string): boolean {
  return actor.id === owner || may(actor, 'accounts.read');
}

export function accountOf({ changedAt: _, ...fields }: Account): z.infer<typeof account> {
  return fields;
}

export function profileOf(id: string, found: Profile | undefined): z.infer<typeof profile> {
  const { name = null, username = null, avatar = null, timeZone = null, locale = null } = found ?? {};
  return { id, name, username, avatar, timeZone, locale };
}

export async function loadProfiles(reader: Reader, ids: readonly string[]): Promise<Map<string, Profile>> {
  return reader.getMany<Profile>('people', ids);
}
