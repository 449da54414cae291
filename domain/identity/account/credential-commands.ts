import { z } from 'zod';
import { type Actor, type Decision, defineCommand, onStream, systemActor } from '../../decider.js';
import type { DomainEvent, RecordedEvent } from '../../event.js';
import { instant, personId, revision, streamName, uuid } from '../../ids.js';
import { may } from '../../permissions.js';
import { type Rejection, reject } from '../../rejections.js';
import { emailReservation, type ReservationState, ValueFreed, ValueReserved } from '../reservation.js';
import { type AccountState, account } from './account.js';
import {
  EmailChanged,
  EmailVerificationRequested,
  EmailVerified,
  isCurrent,
  PasswordChanged,
  PasswordResetRequested,
} from './credentials.js';
import { SessionsEnded } from './sessions.js';

/**
 * Commands that change an e-mail address or a password. Issued by `src/auth`, which has checked passwords and mailed
 * tokens; here is decided whether what it checked is still so.
 */

const ofAccount = (input: { personId: string }) => input.personId;
const accountReply = (_events: readonly RecordedEvent[], input: { personId: string }) => ({ id: input.personId });

/** Why the account can't be changed by the actor: it is their own, or they may change those of others. */
export function refuseChange({ credentials }: AccountState, actor: Actor, owner: string): Rejection | undefined {
  if (actor.id !== owner && !may(actor, 'accounts.change')) return reject('forbidden');
  if (credentials.status === 'none' || credentials.status === 'forgotten') return reject('not-found');
  if (credentials.status === 'deactivated' && actor.id === owner) return reject('account-deactivated');
  return undefined;
}

/** Where people have shown that they know their password: the event that holds the hash that it was compared with. */
export const shownPassword = revision.optional();

/**
 * Why the actor may not change what lets them in, or end their account: they have not shown that they know the password
 * as it is now. Whoever has found an open browser must not be able to take the account over.
 */
export function refuseUnproved(
  { credentials }: AccountState,
  actor: Actor,
  owner: string,
  passwordRevision: number | undefined,
): Rejection | undefined {
  if (actor.id !== owner) return undefined;
  if (passwordRevision === undefined) return reject('forbidden', 'This takes the password of the account.');
  return passwordRevision === credentials.passwordRevision ? undefined : reject('stale-version');
}

// E-mail address

/** Has a mail ask whether an address is the person's: the present one, or the one they want to change to. */
export const RequestEmailVerification = defineCommand({
  type: 'identity.RequestEmailVerification',
  issuer: 'system',
  aggregate: account,
  input: z.strictObject({
    personId,
    requestId: uuid,
    purpose: z.enum(['verify', 'change']),
    email: z.string(),
    expiresAt: instant,
  }),
  streamId: ofAccount,
  decide(state, { input, actor }) {
    const refusal = refuseChange(state, actor, input.personId);
    if (refusal) return refusal;
    if (input.purpose === 'verify' && state.credentials.emailVerified) return [];
    return [EmailVerificationRequested(input)];
  },
  reply: accountReply,
});

/** The address is the person's, since the mailed token came back. */
export const VerifyEmail = defineCommand({
  type: 'identity.VerifyEmail',
  issuer: 'system',
  aggregate: account,
  input: z.strictObject({ personId, requestId: uuid }),
  streamId: ofAccount,
  decide({ credentials: { verification } }, { input, now }) {
    if (verification?.purpose !== 'verify' || !isCurrent(verification, input.requestId, now)) {
      return reject('token-not-valid');
    }
    return [EmailVerified({ personId: input.personId })];
  },
  reply: accountReply,
});

/** Changes the address: with the token mailed to it, or with the password where that is not asked for. */
export const ChangeEmail = defineCommand({
  type: 'identity.ChangeEmail',
  issuer: 'system',
  aggregate: account,
  input: z.strictObject({
    personId,
    email: z.strictObject({ address: z.string(), reservation: z.string() }).nullable(),
    /** Reservation of the address that is to be given up, where there is one, and the event that the address is from. */
    formerReservation: z.string().nullable(),
    formerRevision: revision.optional(),
    requestId: uuid.optional(),
    passwordRevision: shownPassword,
  }),
  streamId: ofAccount,
  others: ({ email, formerReservation }) => ({
    ...(email && { next: { stream: emailStream(email.reservation), aggregate: emailReservation } }),
    ...(formerReservation !== null &&
      formerReservation !== email?.reservation && {
        former: { stream: emailStream(formerReservation), aggregate: emailReservation },
      }),
  }),
  decide(state, { input, actor, now }, others: { next?: ReservationState; former?: ReservationState }): Decision {
    const { personId, email, requestId, passwordRevision } = input;
    const refusal =
      refuseChange(state, actor, personId) ??
      (requestId === undefined ? refuseUnproved(state, actor, personId, passwordRevision) : undefined);
    if (refusal) return refusal;
    const { verification } = state.credentials;
    if (requestId !== undefined && (verification?.purpose !== 'change' || !isCurrent(verification, requestId, now))) {
      return reject('token-not-valid');
    }
    if (input.formerRevision !== state.credentials.emailRevision) return reject('stale-version');
    const owner = others.next?.owner ?? null;
    if (owner !== null && owner !== personId) return reject('email-taken', undefined, 'email');
    const events: DomainEvent[] = [
      EmailChanged({ personId, email: email?.address ?? null, verified: requestId !== undefined }),
    ];
    if (email && owner === null) {
      events.push(onStream(emailStream(email.reservation), ValueReserved({ owner: personId })));
    }
    if (others.former && input.formerReservation !== null) {
      events.push(onStream(emailStream(input.formerReservation), ValueFreed({ owner: personId })));
    }
    return events;
  },
  reply: accountReply,
});

function emailStream(reservation: string): string {
  return streamName(emailReservation.category, reservation);
}

// Password

/** Changes a password; all other sessions end, since someone else may have begun them. */
export const ChangePassword = defineCommand({
  type: 'identity.ChangePassword',
  issuer: 'system',
  aggregate: account,
  input: z.strictObject({
    personId,
    passwordHash: z.string(),
    passwordRevision: shownPassword,
  }),
  streamId: ofAccount,
  decide(state, { input: { personId, passwordHash, passwordRevision }, actor }) {
    const refusal = refuseChange(state, actor, personId) ?? refuseUnproved(state, actor, personId, passwordRevision);
    if (refusal) return refusal;
    const own = actor.id === personId;
    return [
      PasswordChanged({ personId, passwordHash, how: own ? 'changed' : 'set-by-admin' }),
      SessionsEnded({ personId, except: own ? (actor.session ?? null) : null, reason: 'password-changed' }),
    ];
  },
  reply: accountReply,
});

/** Has a mail let the person set a password without the present one. */
export const RequestPasswordReset = defineCommand({
  type: 'identity.RequestPasswordReset',
  issuer: 'system',
  aggregate: account,
  input: z.strictObject({ personId, requestId: uuid, expiresAt: instant }),
  streamId: ofAccount,
  decide({ credentials }, { input, actor }) {
    if (actor.id !== systemActor.id && !may(actor, 'accounts.change')) return reject('forbidden');
    if (credentials.status !== 'active') return [];
    return [PasswordResetRequested({ ...input, reason: 'forgotten' })];
  },
  reply: accountReply,
});

/** Sets a password by a mailed token, which has then also shown that the address is the person's. All sessions end. */
export const ResetPassword = defineCommand({
  type: 'identity.ResetPassword',
  issuer: 'system',
  aggregate: account,
  input: z.strictObject({ personId, requestId: uuid, passwordHash: z.string() }),
  streamId: ofAccount,
  decide({ credentials }, { input: { personId, requestId, passwordHash }, now }) {
    if (credentials.status !== 'active' || !isCurrent(credentials.passwordReset, requestId, now)) {
      return reject('token-not-valid');
    }
    const verified = credentials.emailVerified ? [] : [EmailVerified({ personId })];
    return [
      PasswordChanged({ personId, passwordHash, how: 'reset' }),
      ...verified,
      SessionsEnded({ personId, except: null, reason: 'password-changed' }),
    ];
  },
  reply: accountReply,
});

/** Keeps the same password under a newer hash, unless it was changed in the meantime. */
export const RenewPasswordHash = defineCommand({
  type: 'identity.RenewPasswordHash',
  issuer: 'system',
  aggregate: account,
  input: z.strictObject({ personId, passwordHash: z.string(), formerRevision: revision }),
  streamId: ofAccount,
  decide({ credentials }, { input: { personId, passwordHash, formerRevision } }) {
    if (credentials.status !== 'active') return reject('account-deactivated');
    if (credentials.passwordRevision !== formerRevision) return reject('stale-version');
    return [PasswordChanged({ personId, passwordHash, how: 'renewed' })];
  },
  reply: accountReply,
});

export const credentialCommands = [
  RequestEmailVerification,
  VerifyEmail,
  ChangeEmail,
  ChangePassword,
  RequestPasswordReset,
  ResetPassword,
  RenewPasswordHash,
] as const;
