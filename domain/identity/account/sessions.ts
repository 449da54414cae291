import { z } from 'zod';
import { defineEvent, type RecordedOf } from '../../event.js';
import { instant, personId, uuid } from '../../ids.js';

/** Sessions: one for each login, whether it is used by bearer tokens or by a cookie. */

const sessionId = uuid;
/** From where a session is used; sealed. */
const whence = { address: z.string().max(64).nullable(), userAgent: z.string().max(512).nullable() };
const personalWhence = { address: 'personId', userAgent: 'personId' } as const;
const loginMethod = z.enum(['registration', 'password', 'password+totp', 'password+recovery-code']);
export type LoginMethod = z.infer<typeof loginMethod>;

/** Why a session ended. `reuse-detected`: a refresh token came again after its successor was in use, so one was stolen. */
export const sessionEndings = [
  'logged-out',
  'ended-by-person',
  'ended-by-admin',
  'password-changed',
  'reuse-detected',
  'deactivated',
  'forgotten',
  'too-many',
  'revoked',
] as const;
export type SessionEnding = (typeof sessionEndings)[number];

// Events

export const SessionBegan = defineEvent({
  type: 'identity.SessionBegan',
  data: z.strictObject({ personId, sessionId, method: loginMethod, expiresAt: instant, ...whence }),
  personal: personalWhence,
  audience: 'nobody',
});

/** The refresh token was exchanged for its successor, of the next generation. */
export const SessionRefreshed = defineEvent({
  type: 'identity.SessionRefreshed',
  data: z.strictObject({
    personId,
    sessionId,
    generation: z.number().int().positive(),
    expiresAt: instant,
    ...whence,
  }),
  personal: personalWhence,
  audience: 'nobody',
});

/** The session was used without a refresh; told once an hour at most. */
export const SessionSeen = defineEvent({
  type: 'identity.SessionSeen',
  data: z.strictObject({ personId, sessionId, ...whence }),
  personal: personalWhence,
  audience: 'nobody',
});

export const SessionEnded = defineEvent({
  type: 'identity.SessionEnded',
  data: z.strictObject({ personId, sessionId, reason: z.enum(sessionEndings) }),
  audience: 'nobody',
});

/** All sessions ended, but for `except`. */
export const SessionsEnded = defineEvent({
  type: 'identity.SessionsEnded',
  data: z.strictObject({ personId, except: sessionId.nullable(), reason: z.enum(sessionEndings) }),
  audience: 'nobody',
});

/** A ticket that opens one socket was used; it can't be again. */
export const SocketTicketUsed = defineEvent({
  type: 'identity.SocketTicketUsed',
  data: z.strictObject({ personId, sessionId, ticketId: uuid, expiresAt: instant }),
  audience: 'nobody',
});

export const sessionEvents = {
  SessionBegan,
  SessionRefreshed,
  SessionSeen,
  SessionEnded,
  SessionsEnded,
  SocketTicketUsed,
};
export type SessionEvent = RecordedOf<typeof sessionEvents>;

// State

/** A session that has not ended. Times in ms since 1970. */
export interface SessionState {
  beganAt: number;
  /** Number of the refresh token that is good now, from 0. */
  generation: number;
  /** When that one was made. */
  refreshedAt: number;
  seenAt: number;
  expiresAt: number;
}

export interface SessionsState {
  sessions: Record<string, SessionState>;
  /** Used tickets that have not expired, with when they do. */
  usedTickets: Record<string, number>;
}

/** Sessions of one account at once; another login ends the one that was not seen for longest. */
export const mostSessions = 100;

export const initialSessions = (): SessionsState => ({ sessions: {}, usedTickets: {} });

export function evolveSessions(state: SessionsState, event: SessionEvent): void {
  const at = Date.parse(event.metadata.occurredAt);
  switch (event.type) {
    case 'identity.SessionBegan':
      forgetExpired(state, at);
      state.sessions[event.data.sessionId] = {
        beganAt: at,
        generation: 0,
        refreshedAt: at,
        seenAt: at,
        expiresAt: Date.parse(event.data.expiresAt),
      };
      break;
    case 'identity.SessionRefreshed':
      Object.assign(state.sessions[event.data.sessionId] ?? {}, {
        generation: event.data.generation,
        refreshedAt: at,
        seenAt: at,
        expiresAt: Date.parse(event.data.expiresAt),
      });
      break;
    case 'identity.SessionSeen':
      Object.assign(state.sessions[event.data.sessionId] ?? {}, { seenAt: at });
      break;
    case 'identity.SessionEnded':
      delete state.sessions[event.data.sessionId];
      break;
    case 'identity.SessionsEnded':
      for (const id of Object.keys(state.sessions)) if (id !== event.data.except) delete state.sessions[id];
      break;
    case 'identity.SocketTicketUsed':
      forgetExpired(state, at);
      state.usedTickets[event.data.ticketId] = Date.parse(event.data.expiresAt);
      break;
  }
}

function forgetExpired({ sessions, usedTickets }: SessionsState, now: number): void {
  for (const [id, { expiresAt }] of Object.entries(sessions)) if (expiresAt <= now) delete sessions[id];
  for (const [id, expiresAt] of Object.entries(usedTickets)) if (expiresAt <= now) delete usedTickets[id];
}

/** The session, if it has neither ended nor expired. */
export function liveSession({ sessions }: SessionsState, id: string, now: number): SessionState | undefined {
  const session = Object.hasOwn(sessions, id) ? sessions[id] : undefined;
  return session && now < session.expiresAt ? session : undefined;
}
