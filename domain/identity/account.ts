import { z } from 'zod';
import { defineAggregate, defineCommand, onStream } from '../decider.js';
import { defineEvent, eventOf, type RecordedOf } from '../event.js';
import { personId, streamName } from '../ids.js';
import { reject } from '../rejections.js';
import { ProfileCreated, profile } from './profile.js';
import { emailReservation, type ReservationState, usernameReservation, ValueReserved } from './reservation.js';

/** An account: how a person proves who they are. The person's profile is in `user-…`. */

// Events

export const AccountRegistered = defineEvent({
  type: 'identity.AccountRegistered',
  data: z.strictObject({
    personId,
    email: z.string().nullable(),
    username: z.string().nullable(),
    passwordHash: z.string().nullable(),
  }),
  personal: { email: 'personId', username: 'personId', passwordHash: 'personId' },
  audience: 'nobody',
});

export const accountEvents = { AccountRegistered };
export type AccountEvent = RecordedOf<typeof accountEvents>;

// State

export interface AccountState {
  /** Revision of the event that holds the password's hash; none before the account is registered. */
  passwordRevision?: number;
  changedAt: number;
}

export const account = defineAggregate<AccountState>({
  category: 'account',
  version: 1,
  initialState: () => ({ changedAt: -1 }),
  changedAt: (state) => state.changedAt,
  evolve(state: AccountState, event: AccountEvent): AccountState {
    state.changedAt = event.revision;
    if (event.type === 'identity.AccountRegistered') state.passwordRevision = event.revision;
    return state;
  },
});

// Commands

/** A user name and the id of its reservation's stream. */
const candidate = z.strictObject({ username: z.string(), reservation: z.string() });

/**
 * Registers a person. Issued by `src/auth`, which hashes the password, computes the reservations' names,
 * and proposes user names to take the first free one of where the client asked for none.
 */
export const RegisterAccount = defineCommand({
  type: 'identity.RegisterAccount',
  issuer: 'system',
  aggregate: account,
  input: z.strictObject({
    email: z.string(),
    emailReservation: z.string(),
    name: z.string(),
    passwordHash: z.string(),
    usernames: z.array(candidate).min(1),
  }),
  streamId: (_input, newId) => newId,
  others: (input, newId) => ({
    email: { stream: streamName(emailReservation.category, input.emailReservation), aggregate: emailReservation },
    user: { stream: streamName(profile.category, newId), aggregate: profile },
    ...Object.fromEntries(
      input.usernames.map(({ reservation }) => [
        reservation,
        { stream: streamName(usernameReservation.category, reservation), aggregate: usernameReservation },
      ]),
    ),
  }),
  decide(state, { input, newId }, others: Record<string, unknown>) {
    if (state.passwordRevision !== undefined) return reject('already-exists');
    if ((others.email as ReservationState).owner) return reject('email-taken', undefined, 'email');
    const free = input.usernames.find(({ reservation }) => !(others[reservation] as ReservationState).owner);
    if (!free) return reject('username-taken', undefined, 'username');
    const { email, name, passwordHash } = input;
    const reserved = ValueReserved({ owner: newId });
    return [
      AccountRegistered({ personId: newId, email, username: free.username, passwordHash }),
      onStream(streamName(emailReservation.category, input.emailReservation), reserved),
      onStream(streamName(usernameReservation.category, free.reservation), reserved),
      onStream(streamName(profile.category, newId), ProfileCreated({ personId: newId, name, username: free.username })),
    ];
  },
  reply(events) {
    const { personId, email, username } = eventOf(AccountRegistered, events).data;
    return { id: personId, email, username };
  },
});

export const accountCommands = [RegisterAccount] as const;
