import { defineAggregate } from '../../decider.js';
import type { RecordedEvent } from '../../event.js';
import {
  type CredentialEvent,
  type CredentialState,
  credentialEvents,
  evolveCredentials,
  initialCredentials,
} from './credentials.js';
import {
  evolveSecondFactor,
  initialSecondFactor,
  type SecondFactorEvent,
  type SecondFactorState,
  secondFactorEvents,
} from './second-factor.js';
import { evolveSessions, initialSessions, type SessionEvent, type SessionsState, sessionEvents } from './sessions.js';

/**
 * An account: how a person proves who they are, their sessions, and their second factor: one stream, so that the order
 * of a logout, a ban and a login is exact. The person's profile is in `user-…`.
 */
export interface AccountState {
  credentials: CredentialState;
  sessions: SessionsState;
  secondFactor: SecondFactorState;
  changedAt: number;
}

export const accountEvents = { ...credentialEvents, ...sessionEvents, ...secondFactorEvents };

const isOf = (events: object) => {
  const types = new Set(Object.values(events).map(({ type }) => type));
  return (event: RecordedEvent) => types.has(event.type);
};
const isCredential = isOf(credentialEvents);
const isSession = isOf(sessionEvents);

export const account = defineAggregate<AccountState>({
  category: 'account',
  version: 2,
  initialState: () => ({
    credentials: initialCredentials(),
    sessions: initialSessions(),
    secondFactor: initialSecondFactor(),
    changedAt: -1,
  }),
  changedAt: (state) => state.changedAt,
  evolve(state: AccountState, event: RecordedEvent): AccountState {
    if (isCredential(event)) {
      state.changedAt = event.revision;
      evolveCredentials(state.credentials, event as CredentialEvent);
    } else if (isSession(event)) evolveSessions(state.sessions, event as SessionEvent);
    else evolveSecondFactor(state.secondFactor, event as SecondFactorEvent);
    return state;
  },
});
