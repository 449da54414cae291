import { AccountForgotten } from '../../domain/identity/account/credentials.js';
import {
  type LoginMethod,
  SessionBegan,
  SessionEnded,
  SessionRefreshed,
  SessionSeen,
  SessionsEnded,
} from '../../domain/identity/account/sessions.js';
import { AllSessionsRevoked, platformSecurityId } from '../../domain/identity/platform-security.js';
import { type Collection, changes, creates, deletes, on } from '../projection.js';
import type { Reader } from '../reader.js';

/** A session that was not ended; times are ISO 8601 in UTC. */
export interface Session {
  method: LoginMethod;
  beganAt: string;
  seenAt: string;
  expiresAt: string;
  /** From where it was last used. */
  address: string | null;
  userAgent: string | null;
}

/** A person's sessions by id, also those that have expired meanwhile. One document, since one event may end all. */
export type Sessions = Record<string, Session>;

const ofPerson = ({ data }: { data: { personId: string } }) => data.personId;

/** By person id; none for whoever has no sessions. */
export const sessions: Collection<Sessions> = {
  name: 'sessions',
  indexes: [],
  folds: new Map([
    on(SessionBegan, ofPerson, (sessions: Sessions | undefined, { data, metadata: { occurredAt } }): Sessions => {
      const { sessionId, method, expiresAt, address, userAgent } = data;
      const session = { method, beganAt: occurredAt, seenAt: occurredAt, expiresAt, address, userAgent };
      return { ...unexpired(sessions ?? {}, occurredAt), [sessionId]: session };
    }),
    changes(SessionRefreshed, ofPerson, (sessions: Sessions, { data, metadata: { occurredAt } }) => {
      const { sessionId, expiresAt, address, userAgent } = data;
      return update(sessions, sessionId, { seenAt: occurredAt, expiresAt, address, userAgent });
    }),
    changes(SessionSeen, ofPerson, (sessions: Sessions, { data, metadata: { occurredAt } }) => {
      const { sessionId, address, userAgent } = data;
      return update(sessions, sessionId, { seenAt: occurredAt, address, userAgent });
    }),
    changes(SessionEnded, ofPerson, (sessions: Sessions, { data: { sessionId } }) =>
      keep(sessions, (id) => id !== sessionId),
    ),
    changes(SessionsEnded, ofPerson, (sessions: Sessions, { data: { except } }) =>
      keep(sessions, (id) => id === except),
    ),
    deletes(AccountForgotten, ofPerson),
  ]),
};

function update(sessions: Sessions, id: string, change: Partial<Session>): Sessions {
  const session = sessions[id];
  if (session) Object.assign(session, change);
  return sessions;
}

function keep(sessions: Sessions, which: (id: string, session: Session) => boolean): Sessions | undefined {
  const kept = Object.entries(sessions).filter(([id, session]) => which(id, session));
  return kept.length > 0 ? Object.fromEntries(kept) : undefined;
}

function unexpired(sessions: Sessions, now: string): Sessions {
  return keep(sessions, (_id, { expiresAt }) => expiresAt > now) ?? {};
}

/** When all sessions of everybody were last ended. */
export interface Revocation {
  /** ISO 8601 in UTC */
  at: string;
}

/** The one document is named as the stream is. */
export const revocations: Collection<Revocation> = {
  name: 'revocations',
  indexes: [],
  folds: new Map([
    creates(
      AllSessionsRevoked,
      () => platformSecurityId,
      ({ metadata }): Revocation => ({ at: metadata.occurredAt }),
    ),
  ]),
};

/**
 * A person's sessions that can be used, by id.
 * @param now ms since 1970
 */
export async function loadSessions(reader: Reader, personId: string, now: number): Promise<Sessions> {
  const sessions = await reader.get<Sessions>('sessions', personId);
  if (!sessions) return {};
  const revoked = (await reader.get<Revocation>('revocations', platformSecurityId))?.at ?? '';
  const at = new Date(now).toISOString();
  return keep(sessions, (_id, { beganAt, expiresAt }) => beganAt > revoked && expiresAt > at) ?? {};
}
