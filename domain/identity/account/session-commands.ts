import { z } from 'zod';
import { defineCommand } from '../../decider.js';
import type { DomainEvent, RecordedEvent } from '../../event.js';
import { instant, personId, revision, uuid } from '../../ids.js';
import { may } from '../../permissions.js';
import { type Rejection, reject } from '../../rejections.js';
import { type AccountState, account } from './account.js';
import { RecoveryCodeUsed, TotpUsed } from './second-factor.js';
import {
  type LoginMethod,
  liveSession,
  mostSessions,
  SessionBegan,
  SessionEnded,
  type SessionEnding,
  SessionRefreshed,
  SessionSeen,
  SessionsEnded,
  type SessionsState,
  SocketTicketUsed,
} from './sessions.js';

/** Commands that begin, go on with and end sessions. Issued by `src/auth`, which has checked passwords and tokens. */

const ofAccount = (input: { personId: string }) => input.personId;
const accountReply = (_events: readonly RecordedEvent[], input: { personId: string }) => ({ id: input.personId });

const whence = { address: z.string().max(64).nullable(), userAgent: z.string().max(512).nullable() };

/** What was given as a second factor: the step of a code that fits the secret, or a recovery code's hash. */
const secondFactor = z.union([
  z.strictObject({ totpStep: z.number().int() }),
  z.strictObject({ codeHash: z.string() }),
]);

export const BeginSession = defineCommand({
  type: 'identity.BeginSession',
  issuer: 'system',
  aggregate: account,
  input: z.strictObject({
    personId,
    sessionId: uuid,
    expiresAt: instant,
    /** The event that holds the password's hash that was compared with; none at a registration. */
    passwordRevision: revision.optional(),
    secondFactor: secondFactor.optional(),
    verifiedEmailOnly: z.boolean(),
    ...whence,
  }),
  streamId: ofAccount,
  decide(state, { input, now }) {
    const { credentials, sessions } = state;
    const { personId, sessionId, expiresAt, passwordRevision, address, userAgent } = input;
    if (credentials.status !== 'active') return reject('account-deactivated');
    if (passwordRevision !== undefined && passwordRevision !== credentials.passwordRevision) {
      return reject('stale-version');
    }
    if (input.verifiedEmailOnly && !credentials.emailVerified) return reject('email-not-verified');
    const proof = proveSecondFactor(state, input);
    if ('code' in proof) return proof;
    const method: LoginMethod = passwordRevision === undefined ? 'registration' : proof.method;
    return [
      ...proof.events,
      ...endOldest(personId, sessions, now),
      SessionBegan({ personId, sessionId, method, expiresAt, address, userAgent }),
    ];
  },
  reply: accountReply,
});

interface Proof {
  readonly method: LoginMethod;
  readonly events: readonly DomainEvent[];
}

/** A code is good once: a step that was used, or one before it, is refused. */
function proveSecondFactor(
  { secondFactor: { totpRevision, lastStep, recoveryCodeHashes } }: AccountState,
  { personId, secondFactor: given }: { personId: string; secondFactor?: z.infer<typeof secondFactor> | undefined },
): Proof | Rejection {
  if (totpRevision === undefined) return { method: 'password', events: [] };
  if (!given) return reject('second-factor-required');
  if ('totpStep' in given) {
    if (given.totpStep <= lastStep) return reject('wrong-code');
    return { method: 'password+totp', events: [TotpUsed({ personId, step: given.totpStep })] };
  }
  if (!recoveryCodeHashes.includes(given.codeHash)) return reject('wrong-code');
  return { method: 'password+recovery-code', events: [RecoveryCodeUsed({ personId, codeHash: given.codeHash })] };
}

/** Makes room for another session by ending the one that was not seen for longest. */
function endOldest(personId: string, state: SessionsState, now: number): DomainEvent[] {
  const live = Object.entries(state.sessions).filter(([id]) => liveSession(state, id, now));
  if (live.length < mostSessions) return [];
  const [oldest] = live.sort(([, a], [, b]) => a.seenAt - b.seenAt);
  return oldest ? [SessionEnded({ personId, sessionId: oldest[0], reason: 'too-many' })] : [];
}

/** How long after a refresh the token before is still answered with the same successor, since an answer may be lost. */
export const refreshGraceMs = 30_000;

/**
 * Exchanges the refresh token of a generation for its successor. An older one than the last but one was stolen, or its
 * successor was: the session ends.
 */
export const RefreshSession = defineCommand({
  type: 'identity.RefreshSession',
  issuer: 'system',
  aggregate: account,
  input: z.strictObject({
    personId,
    sessionId: uuid,
    generation: z.number().int().nonnegative(),
    expiresAt: instant,
    ...whence,
  }),
  streamId: ofAccount,
  decide({ credentials, sessions }, { input, now }) {
    const { personId, sessionId, generation, ...rest } = input;
    const session = liveSession(sessions, sessionId, now);
    if (!session || credentials.status !== 'active' || generation > session.generation) return reject('session-ended');
    if (generation === session.generation) {
      return [SessionRefreshed({ personId, sessionId, generation: generation + 1, ...rest })];
    }
    if (generation === session.generation - 1 && now - session.refreshedAt <= refreshGraceMs) return [];
    return [SessionEnded({ personId, sessionId, reason: 'reuse-detected' })];
  },
  reply: accountReply,
});

const seenEveryMs = 60 * 60 * 1_000;

/** Notes from where a session is used; once an hour at most. */
export const NoteSession = defineCommand({
  type: 'identity.NoteSession',
  issuer: 'system',
  aggregate: account,
  input: z.strictObject({ personId, sessionId: uuid, ...whence }),
  streamId: ofAccount,
  decide({ sessions }, { input, now }) {
    const session = liveSession(sessions, input.sessionId, now);
    return session && now - session.seenAt >= seenEveryMs ? [SessionSeen(input)] : [];
  },
  reply: accountReply,
});

export const EndSession = defineCommand({
  type: 'identity.EndSession',
  issuer: 'system',
  aggregate: account,
  input: z.strictObject({ personId, sessionId: uuid }),
  streamId: ofAccount,
  decide({ sessions }, { input, actor, now }) {
    const { personId, sessionId } = input;
    if (actor.id !== personId && !may(actor, 'sessions.end')) return reject('forbidden');
    if (!liveSession(sessions, sessionId, now)) return reject('not-found');
    return [
      SessionEnded({ personId, sessionId, reason: endingOf(actor.id === personId, actor.session === sessionId) }),
    ];
  },
  reply: accountReply,
});

function endingOf(own: boolean, present: boolean): SessionEnding {
  if (!own) return 'ended-by-admin';
  return present ? 'logged-out' : 'ended-by-person';
}

export const EndSessions = defineCommand({
  type: 'identity.EndSessions',
  issuer: 'system',
  aggregate: account,
  input: z.strictObject({ personId }),
  streamId: ofAccount,
  decide({ sessions }, { input: { personId }, actor }) {
    const own = actor.id === personId;
    if (!own && !may(actor, 'sessions.end')) return reject('forbidden');
    if (Object.keys(sessions.sessions).length === 0) return [];
    return [SessionsEnded({ personId, except: null, reason: own ? 'logged-out' : 'ended-by-admin' })];
  },
  reply: accountReply,
});

/** Opens one socket. */
export const UseSocketTicket = defineCommand({
  type: 'identity.UseSocketTicket',
  issuer: 'system',
  aggregate: account,
  input: z.strictObject({ personId, sessionId: uuid, ticketId: uuid, expiresAt: instant }),
  streamId: ofAccount,
  decide({ credentials, sessions }, { input, now }) {
    if (credentials.status !== 'active' || !liveSession(sessions, input.sessionId, now)) return reject('session-ended');
    if (Object.hasOwn(sessions.usedTickets, input.ticketId) || now >= Date.parse(input.expiresAt)) {
      return reject('token-not-valid');
    }
    return [SocketTicketUsed(input)];
  },
  reply: accountReply,
});

export const sessionCommands = [
  BeginSession,
  RefreshSession,
  NoteSession,
  EndSession,
  EndSessions,
  UseSocketTicket,
] as const;
