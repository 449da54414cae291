import { describe, it } from 'vitest';
import { EmailVerified, PasswordChanged } from '../../../domain/identity/account/credentials.js';
import { refreshGraceMs } from '../../../domain/identity/account/session-commands.js';
import {
  mostSessions,
  SessionBegan,
  SessionEnded,
  SessionRefreshed,
  SessionSeen,
  SessionsEnded,
  SocketTicketUsed,
} from '../../../domain/identity/account/sessions.js';
import { given, idOf, noon, past, pastAt } from '../specification.js';
import {
  admin,
  ann,
  annId,
  annsAccount,
  bob,
  deactivated,
  forgotten,
  hourMs,
  inAnHour,
  others,
  registered,
} from './people.js';

const [sessionId, otherSession] = [idOf(8), idOf(9)];
const whence = { address: '192.0.2.1', userAgent: 'Firefox' };
const inAMonth = new Date(noon + 30 * 24 * hourMs).toISOString();

const asAnn = { actor: ann };
const asAdmin = { actor: admin };
const ofSession = { personId: annId, sessionId };

const ofAnn = (...events: Parameters<typeof past>[1][]) => past(annsAccount, ...events);
const began = (id = sessionId, expiresAt = inAMonth) =>
  SessionBegan({ personId: annId, sessionId: id, method: 'password', expiresAt, ...whence });
const ended = (reason: Parameters<typeof SessionEnded>[0]['reason'], id = sessionId) =>
  SessionEnded({ personId: annId, sessionId: id, reason });
const allEnded = (reason: 'logged-out' | 'ended-by-admin') => SessionsEnded({ personId: annId, except: null, reason });

/** Every way for a session not to be there, or not any more. */
const gone = [
  ['never began', registered],
  ['has ended', [...registered, ...ofAnn(began(), ended('logged-out'))]],
  ['has ended with all others', [...registered, ...ofAnn(began(), allEnded('logged-out'))]],
  ['has expired', [...registered, ...ofAnn(began(sessionId, new Date(noon).toISOString()))]],
] as const;

describe('BeginSession', () => {
  const input = {
    personId: annId,
    sessionId,
    expiresAt: inAMonth,
    passwordRevision: 0,
    verifiedEmailOnly: false,
    ...whence,
  };
  const { passwordRevision: _, ...atRegistration } = input;

  it('lets in who has shown the password', () => {
    given(registered).when('identity.BeginSession', input, asAnn).then(began());
  });

  it('lets in who has just registered', () => {
    given(registered)
      .when('identity.BeginSession', atRegistration, asAnn)
      .then(SessionBegan({ personId: annId, sessionId, method: 'registration', expiresAt: inAMonth, ...whence }));
  });

  it('lets nobody in with a password that was changed while it was compared', () => {
    given(registered, ofAnn(PasswordChanged({ personId: annId, passwordHash: 'new', how: 'changed' })))
      .when('identity.BeginSession', input, asAnn)
      .thenRefused('stale-version');
  });

  it('asks for a verified address where that is set', () => {
    const verifiedOnly = { ...input, verifiedEmailOnly: true };
    given(registered).when('identity.BeginSession', verifiedOnly, asAnn).thenRefused('email-not-verified');
    given(registered, ofAnn(EmailVerified({ personId: annId })))
      .when('identity.BeginSession', verifiedOnly, asAnn)
      .then(began());
  });

  it.each([
    ['nobody', []],
    ['who is shut out', [...registered, ...deactivated]],
    ['who was forgotten', [...registered, ...forgotten]],
  ])('does not let in %s', (_who, history) => {
    given(history).when('identity.BeginSession', input, asAnn).thenRefused('account-deactivated');
  });

  it('ends the one that was not seen for longest where there are too many', () => {
    const nth = (n: number) => `01900000-0000-7000-8000-${String(n).padStart(12, '0')}`;
    const many = Array.from({ length: mostSessions }, (_, n) => pastAt(noon - 1_000 + n, annsAccount, began(nth(n))));
    const seen = pastAt(noon - 1, annsAccount, SessionSeen({ personId: annId, sessionId: nth(0), ...whence }));
    given(registered, ...many.slice(1))
      .when('identity.BeginSession', input, asAnn)
      .then(began());
    given(registered, ...many, seen)
      .when('identity.BeginSession', input, asAnn)
      .then(ended('too-many', nth(1)), began());
  });

  it('does not count sessions that have expired', () => {
    const nth = (n: number) => `01900000-0000-7000-8000-${String(n).padStart(12, '0')}`;
    const expired = Array.from({ length: mostSessions }, (_, n) => began(nth(n), new Date(noon - 1).toISOString()));
    given(registered, ofAnn(...expired))
      .when('identity.BeginSession', input, asAnn)
      .then(began());
  });
});

describe('RefreshSession', () => {
  const refreshOf = (generation: number) => ({ ...ofSession, generation, expiresAt: inAMonth, ...whence });
  const refreshed = (generation: number) =>
    SessionRefreshed({ personId: annId, sessionId, generation, expiresAt: inAMonth, ...whence });
  /** A session whose token of the first generation was exchanged so long ago. */
  const exchanged = (agoMs: number) => [
    ...registered,
    ...ofAnn(began()),
    ...pastAt(noon - agoMs, annsAccount, refreshed(1)),
  ];

  it('exchanges the token for that of the next generation', () => {
    given(registered, ofAnn(began())).when('identity.RefreshSession', refreshOf(0), asAnn).then(refreshed(1));
    given(exchanged(0)).when('identity.RefreshSession', refreshOf(1), asAnn).then(refreshed(2));
  });

  it('answers the one before with the same successor for a short while, since an answer may be lost', () => {
    given(exchanged(refreshGraceMs)).when('identity.RefreshSession', refreshOf(0), asAnn).thenNothing();
  });

  it('ends the session where it comes later: one of the two was stolen', () => {
    given(exchanged(refreshGraceMs + 1))
      .when('identity.RefreshSession', refreshOf(0), asAnn)
      .then(ended('reuse-detected'));
  });

  it('ends the session where an older one comes, however soon', () => {
    given(registered, ofAnn(began()), pastAt(noon, annsAccount, refreshed(1), refreshed(2)))
      .when('identity.RefreshSession', refreshOf(0), asAnn)
      .then(ended('reuse-detected'));
  });

  it('takes no token of a generation to come', () => {
    given(registered, ofAnn(began())).when('identity.RefreshSession', refreshOf(1), asAnn).thenRefused('session-ended');
  });

  it.each(gone)('continues no session that %s', (_what, history) => {
    given([...history])
      .when('identity.RefreshSession', refreshOf(0), asAnn)
      .thenRefused('session-ended');
  });

  it('continues none of an account that can not be used', () => {
    given(registered, ofAnn(began()), deactivated)
      .when('identity.RefreshSession', refreshOf(0), asAnn)
      .thenRefused('session-ended');
  });
});

describe('NoteSession', () => {
  const input = { ...ofSession, address: '198.51.100.1', userAgent: null };

  it('tells from where a session is used, once an hour', () => {
    const beganBefore = (ms: number) => [...registered, ...pastAt(noon - ms, annsAccount, began())];
    given(beganBefore(hourMs)).when('identity.NoteSession', input, asAnn).then(SessionSeen(input));
    given(beganBefore(hourMs - 1))
      .when('identity.NoteSession', input, asAnn)
      .thenNothing();
  });

  it.each(gone)('tells nothing of one that %s', (_what, history) => {
    given([...history])
      .when('identity.NoteSession', input, asAnn)
      .thenNothing();
  });
});

describe('EndSession', () => {
  const live = [...registered, ...ofAnn(began(), began(otherSession))];

  it('tells who ended it: the person from within, from another, or an admin', () => {
    given(live).when('identity.EndSession', ofSession, asAnn).then(ended('logged-out'));
    given(live)
      .when('identity.EndSession', { personId: annId, sessionId: otherSession }, asAnn)
      .then(ended('ended-by-person', otherSession));
    given(live).when('identity.EndSession', ofSession, asAdmin).then(ended('ended-by-admin'));
  });

  it.each(others)('is not for a $role, where the session is another’s', (actor) => {
    given(live).when('identity.EndSession', ofSession, { actor }).thenRefused('forbidden');
  });

  it.each(gone)('finds none that %s', (_what, history) => {
    given([...history])
      .when('identity.EndSession', ofSession, asAnn)
      .thenRefused('not-found');
  });
});

describe('EndSessions', () => {
  const input = { personId: annId };
  const live = [...registered, ...ofAnn(began(), began(otherSession))];

  it('ends all of the person, by themselves or by an admin', () => {
    given(live).when('identity.EndSessions', input, asAnn).then(allEnded('logged-out'));
    given(live).when('identity.EndSessions', input, asAdmin).then(allEnded('ended-by-admin'));
  });

  it('does nothing where there is none', () => {
    given(registered).when('identity.EndSessions', input, asAnn).thenNothing();
  });

  it('is not for others', () => {
    given(live).when('identity.EndSessions', input, { actor: bob }).thenRefused('forbidden');
  });
});

describe('UseSocketTicket', () => {
  const input = { ...ofSession, ticketId: idOf(7), expiresAt: inAnHour };
  const live = [...registered, ...ofAnn(began())];

  it('opens one socket', () => {
    given(live).when('identity.UseSocketTicket', input, asAnn).then(SocketTicketUsed(input));
    given(live, ofAnn(SocketTicketUsed(input)))
      .when('identity.UseSocketTicket', input, asAnn)
      .thenRefused('token-not-valid');
  });

  it('opens none later', () => {
    given(live)
      .when('identity.UseSocketTicket', { ...input, expiresAt: new Date(noon).toISOString() }, asAnn)
      .thenRefused('token-not-valid');
  });

  it.each(gone)('opens none of a session that %s', (_what, history) => {
    given([...history])
      .when('identity.UseSocketTicket', input, asAnn)
      .thenRefused('session-ended');
  });

  it('opens none of an account that can not be used', () => {
    given(live, deactivated).when('identity.UseSocketTicket', input, asAnn).thenRefused('session-ended');
  });
});
