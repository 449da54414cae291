import { z } from 'zod';
import { defineCommand, onStream, systemActor } from '../../decider.js';
import type { DomainEvent } from '../../event.js';
import { eventOf } from '../../event.js';
import { instant, personId, streamName, uuid } from '../../ids.js';
import { may, platformRoles } from '../../permissions.js';
import { Rejection, reject } from '../../rejections.js';
import { platform, recordAdmin } from '../admins.js';
import type { PlatformSecurityState } from '../platform-security.js';
import { ProfileCreated, profile } from '../profile.js';
import { emailReservation, type ReservationState, usernameReservation, ValueReserved } from '../reservation.js';
import { account } from './account.js';
import {
  AccountRegistered,
  EmailVerificationRequested,
  EmailVerified,
  PasswordResetRequested,
  RegistrationAttempted,
  RoleAssigned,
} from './credentials.js';

/** A user name and the id of its reservation's stream. */
const candidate = z.strictObject({ username: z.string(), reservation: z.string() });
const mailed = z.strictObject({ requestId: uuid, expiresAt: instant });

/**
 * Registers a person. Issued by `src/auth`, which hashes the password, computes the reservations' names,
 * and proposes user names to take the first free one of where the client asked for none.
 * An account may be without an e-mail address, and without a password until one is set.
 */
export const RegisterAccount = defineCommand({
  type: 'identity.RegisterAccount',
  issuer: 'system',
  aggregate: account,
  input: z.strictObject({
    email: z.strictObject({ address: z.string(), reservation: z.string() }).nullable(),
    name: z.string(),
    passwordHash: z.string().nullable(),
    usernames: z.array(candidate).min(1),
    role: z.enum(platformRoles).default('member'),
    /** The address is known to be the person's. */
    emailVerified: z.boolean().default(false),
    /** A mail is to ask whether the address is the person's. */
    verification: mailed.optional(),
    /** A mail is to let the person set a password. */
    invitation: mailed.optional(),
  }),
  streamId: (_input, newId) => newId,
  others: (input, newId) => ({
    ...(input.email && {
      email: { stream: streamName(emailReservation.category, input.email.reservation), aggregate: emailReservation },
    }),
    ...(input.role === 'admin' && { platform }),
    user: { stream: streamName(profile.category, newId), aggregate: profile },
    ...Object.fromEntries(
      input.usernames.map(({ reservation }) => [
        reservation,
        { stream: streamName(usernameReservation.category, reservation), aggregate: usernameReservation },
      ]),
    ),
  }),
  decide(state, { input, actor, newId }, others: Record<string, unknown>) {
    const { email, name, passwordHash, role, emailVerified, verification, invitation } = input;
    if (!may(actor, 'accounts.change') || (role !== 'member' && !may(actor, 'roles.assign')))
      return reject('forbidden');
    if (state.credentials.status !== 'none') return reject('already-exists');
    if (email && (others.email as ReservationState).owner) return reject('email-taken', undefined, 'email');
    const free = input.usernames.find(({ reservation }) => !(others[reservation] as ReservationState).owner);
    if (!free) return reject('username-taken', undefined, 'username');
    const recorded = others.platform
      ? recordAdmin(others.platform as PlatformSecurityState, newId, state.credentials, { status: 'active', role })
      : [];
    if (recorded instanceof Rejection) return recorded;
    const address = email?.address ?? null;
    const reserved = ValueReserved({ owner: newId });
    const events: DomainEvent[] = [
      AccountRegistered({ personId: newId, email: address, username: free.username, passwordHash }),
    ];
    if (role !== 'member') events.push(RoleAssigned({ personId: newId, role }));
    if (emailVerified) events.push(EmailVerified({ personId: newId }));
    if (verification) {
      events.push(EmailVerificationRequested({ personId: newId, purpose: 'verify', email: address, ...verification }));
    }
    if (invitation) events.push(PasswordResetRequested({ personId: newId, reason: 'invitation', ...invitation }));
    if (email) events.push(onStream(streamName(emailReservation.category, email.reservation), reserved));
    return [
      ...events,
      onStream(streamName(usernameReservation.category, free.reservation), reserved),
      onStream(streamName(profile.category, newId), ProfileCreated({ personId: newId, name, username: free.username })),
      ...recorded,
    ];
  },
  reply(events) {
    const { personId, email, username } = eventOf(AccountRegistered, events).data;
    return { id: personId, email, username };
  },
});

const quietMs = 60 * 60 * 1_000;

/** Has the owner of an address told that someone wanted to register with it; once an hour at most. */
export const ReportRegistrationAttempt = defineCommand({
  type: 'identity.ReportRegistrationAttempt',
  issuer: 'system',
  aggregate: account,
  input: z.strictObject({ personId }),
  streamId: (input) => input.personId,
  decide({ credentials }, { input, actor, now }) {
    if (actor.id !== systemActor.id) return reject('forbidden');
    if (credentials.status === 'none' || credentials.status === 'forgotten') return [];
    // One that lies far ahead is of a clock that was set back.
    if (Math.abs(now - (credentials.registrationAttemptedAt ?? 0)) < quietMs) return [];
    return [RegistrationAttempted({ personId: input.personId })];
  },
  reply: (_events, input) => ({ id: input.personId }),
});

export const registrationCommands = [RegisterAccount, ReportRegistrationAttempt] as const;
