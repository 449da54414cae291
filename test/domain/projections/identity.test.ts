import { describe, expect, it } from 'vitest';
import type { DomainEvent } from '../../../domain/event.js';
import {
  AccountDeactivated,
  AccountForgotten,
  AccountReactivated,
  AccountRegistered,
  EmailChanged,
  EmailVerified,
  PasswordChanged,
  RoleAssigned,
} from '../../../domain/identity/account/credentials.js';
import { TotpDisabled, TotpEnabled, TotpEnrolmentBegun } from '../../../domain/identity/account/second-factor.js';
import {
  SessionBegan,
  SessionEnded,
  SessionRefreshed,
  SessionSeen,
  SessionsEnded,
} from '../../../domain/identity/account/sessions.js';
import { AllSessionsRevoked } from '../../../domain/identity/platform-security.js';
import {
  PersonForgotten,
  ProfileChanged,
  ProfileCreated,
  SettingsChanged,
  UsernameChanged,
} from '../../../domain/identity/profile.js';
import { identityProjection } from '../../../projections/identity/identity.js';
import { loadSessions } from '../../../projections/identity/sessions.js';
import { idOf, noon, type PastEvent, past, record } from '../specification.js';
import { type Documents, fold } from './folding.js';
import { FoldedReader } from './reading.js';

const [ann, bob] = [idOf(1), idOf(2)];

const profileOf = (...events: readonly DomainEvent[]) => past(`user-${ann}`, ...events);
const accountOf = (...events: readonly DomainEvent[]) => past(`account-${ann}`, ...events);
const seen = (history: readonly PastEvent[]) => fold(identityProjection, record(history));

const created = ProfileCreated({ personId: ann, name: 'Ann', username: 'ann' });
const settingsChanged = SettingsChanged({ personId: ann, settings: { theme: 'dark' } });

describe('people', () => {
  const person = (...events: readonly DomainEvent[]) => seen(profileOf(created, ...events))[`people/${ann}`];

  it('are seen with their names', () => {
    expect(person()).toEqual({
      name: 'Ann',
      username: 'ann',
      avatar: null,
      timeZone: null,
      locale: null,
      changedAt: 0,
      revision: 0,
    });
  });

  it('are seen as they tell of themselves', () => {
    const told = { name: 'Ann B.', avatar: 'a.png', timeZone: 'Europe/Vienna', locale: 'de-AT' };
    expect(
      person(ProfileChanged({ personId: ann, ...told }), UsernameChanged({ personId: ann, username: 'b' })),
    ).toEqual({ ...told, username: 'b', changedAt: 2, revision: 2 });
  });

  it('keep their settings to themselves, whose changes are of their stream, but not of their profile', () => {
    const documents = seen(profileOf(created, settingsChanged));
    expect(documents[`people/${ann}`]).toMatchObject({ changedAt: 0, revision: 1 });
    expect(documents[`settings/${ann}`]).toEqual({ settings: { theme: 'dark' }, revision: 1 });
  });

  it('leave their place and nothing else once they are forgotten', () => {
    const told = ProfileChanged({ personId: ann, name: 'Ann', avatar: 'a.png', timeZone: 'UTC', locale: 'de' });
    expect(seen(profileOf(created, told, settingsChanged, PersonForgotten({ personId: ann })))).toEqual({
      [`people/${ann}`]: {
        name: null,
        username: null,
        avatar: null,
        timeZone: null,
        locale: null,
        changedAt: 3,
        revision: 3,
      },
    });
  });
});

const registered = AccountRegistered({ personId: ann, email: 'a@b.org', username: 'ann', passwordHash: '$secret' });

describe('accounts', () => {
  const account = (...events: readonly DomainEvent[]) => seen(accountOf(registered, ...events))[`accounts/${ann}`];

  it('are listed without what proves who the person is', () => {
    const events = record(accountOf(registered));
    const documents = fold(identityProjection, events);
    expect(documents[`accounts/${ann}`]).toEqual({
      email: 'a@b.org',
      emailVerified: false,
      role: 'member',
      status: 'active',
      deactivationReason: null,
      hasPassword: true,
      secondFactor: false,
      registeredAt: events[0]?.metadata.occurredAt,
      changedAt: 0,
    });
    expect(JSON.stringify(documents)).not.toContain('secret');
  });

  it('may be without an address and a password', () => {
    const bare = AccountRegistered({ personId: ann, email: null, username: 'ann', passwordHash: null });
    const [documents, later] = [[], [PasswordChanged({ personId: ann, passwordHash: '$', how: 'reset' })]].map((more) =>
      seen(accountOf(bare, ...more)),
    ) as [Documents, Documents];
    expect(documents[`accounts/${ann}`]).toMatchObject({ email: null, hasPassword: false });
    expect(later[`accounts/${ann}`]).toMatchObject({ hasPassword: true, changedAt: 1 });
  });

  it('have an address that is verified until another one takes its place', () => {
    const verified = EmailVerified({ personId: ann });
    const changed = EmailChanged({ personId: ann, email: 'c@d.org', verified: false });
    expect(account(verified)).toMatchObject({ email: 'a@b.org', emailVerified: true, changedAt: 1 });
    expect(account(verified, changed)).toMatchObject({ email: 'c@d.org', emailVerified: false, changedAt: 2 });
  });

  it('have a role', () => {
    expect(account(RoleAssigned({ personId: ann, role: 'admin' }))).toMatchObject({ role: 'admin', changedAt: 1 });
  });

  it('may be shut out and let in again', () => {
    const deactivated = AccountDeactivated({ personId: ann, reason: 'spam' });
    expect(account(deactivated)).toMatchObject({ status: 'deactivated', deactivationReason: 'spam' });
    expect(account(deactivated, AccountReactivated({ personId: ann }))).toMatchObject({
      status: 'active',
      deactivationReason: null,
      changedAt: 2,
    });
  });

  it('have a second factor once it has shown that it works', () => {
    const begun = TotpEnrolmentBegun({ personId: ann, secret: 'JBSWY3DP' });
    const enabled = TotpEnabled({ personId: ann, step: 1, recoveryCodeHashes: [] });
    expect(account(begun)).toMatchObject({ secondFactor: false });
    expect(account(begun, enabled)).toMatchObject({ secondFactor: true });
    expect(account(begun, enabled, TotpDisabled({ personId: ann }))).toMatchObject({ secondFactor: false });
    expect(JSON.stringify(account(begun, enabled))).not.toContain('JBSWY3DP');
  });

  it('keep nothing of the person once they are forgotten', () => {
    const deactivated = AccountDeactivated({ personId: ann, reason: 'spam' });
    expect(account(EmailVerified({ personId: ann }), deactivated, AccountForgotten({ personId: ann }))).toMatchObject({
      email: null,
      emailVerified: false,
      status: 'forgotten',
      deactivationReason: null,
      hasPassword: false,
      secondFactor: false,
    });
  });
});

const [phone, laptop, tablet] = [idOf(5), idOf(6), idOf(7)];
const whence = { address: '192.0.2.1', userAgent: 'Firefox' };
const elsewhere = { address: '192.0.2.2', userAgent: 'Chrome' };
const tomorrow = new Date(noon + 86_400_000).toISOString();
const nextWeek = new Date(noon + 7 * 86_400_000).toISOString();

const began = (sessionId: string, expiresAt = tomorrow) =>
  SessionBegan({ personId: ann, sessionId, method: 'password', expiresAt, ...whence });
const allEnded = (except: string | null) => SessionsEnded({ personId: ann, except, reason: 'password-changed' });

describe('sessions', () => {
  const sessionsAfter = (...events: readonly DomainEvent[]) => seen(accountOf(...events))[`sessions/${ann}`];

  it('are listed with how and from where they began', () => {
    const events = record(accountOf(began(phone)));
    const at = events[0]?.metadata.occurredAt;
    expect(fold(identityProjection, events)).toEqual({
      [`sessions/${ann}`]: {
        [phone]: { method: 'password', beganAt: at, seenAt: at, expiresAt: tomorrow, ...whence },
      },
    });
  });

  it('tell from where they were last used', () => {
    const refreshed = SessionRefreshed({
      personId: ann,
      sessionId: phone,
      generation: 1,
      expiresAt: nextWeek,
      ...elsewhere,
    });
    const events = record(accountOf(began(phone), began(laptop), refreshed));
    expect(fold(identityProjection, events)[`sessions/${ann}`]).toMatchObject({
      [phone]: { seenAt: events[2]?.metadata.occurredAt, expiresAt: nextWeek, ...elsewhere },
      [laptop]: { seenAt: events[1]?.metadata.occurredAt, ...whence },
    });
    expect(sessionsAfter(began(phone), SessionSeen({ personId: ann, sessionId: phone, ...elsewhere }))).toMatchObject({
      [phone]: { expiresAt: tomorrow, ...elsewhere },
    });
  });

  it('are not listed once they have ended: one, all, or all but one', () => {
    const ended = SessionEnded({ personId: ann, sessionId: phone, reason: 'logged-out' });
    const begun = [began(phone), began(laptop), began(tablet)];
    const left = (...events: readonly DomainEvent[]) => Object.keys(sessionsAfter(...begun, ...events) ?? {});
    expect(left()).toEqual([phone, laptop, tablet]);
    expect(left(ended)).toEqual([laptop, tablet]);
    expect(left(allEnded(laptop))).toEqual([laptop]);
    expect(left(allEnded(laptop), began(phone))).toEqual([laptop, phone]);
    expect(sessionsAfter(...begun, allEnded(null))).toBeUndefined();
    expect(
      sessionsAfter(...begun, allEnded(laptop), SessionEnded({ ...ended.data, sessionId: laptop })),
    ).toBeUndefined();
    expect(sessionsAfter(...begun, AccountForgotten({ personId: ann }))).toBeUndefined();
  });

  it('that ended are not brought back by what comes late', () => {
    const late = SessionSeen({ personId: ann, sessionId: phone, ...elsewhere });
    expect(sessionsAfter(began(laptop), late)).not.toHaveProperty(phone);
  });

  it('that have expired are dropped when another one begins', () => {
    const past = new Date(noon - 1_000_000).toISOString();
    expect(Object.keys(sessionsAfter(began(phone, past), began(laptop)) ?? {})).toEqual([laptop]);
  });

  it('can be used until they expire, or those of everybody are ended', async () => {
    const history = [...accountOf(began(phone)), ...past('platform-security', AllSessionsRevoked({}))];
    const usable = async (events: readonly PastEvent[], now: number) =>
      Object.keys(await loadSessions(new FoldedReader(events, [identityProjection]), ann, now));
    expect(await usable(history.slice(0, 1), noon)).toEqual([phone]);
    expect(await usable(history.slice(0, 1), Date.parse(tomorrow))).toEqual([]);
    expect(await usable(history, noon)).toEqual([]);
    expect(await usable([...history, ...accountOf(began(laptop))], noon)).toEqual([laptop]);
    expect(await loadSessions(new FoldedReader(history, [identityProjection]), bob, noon)).toEqual({});
  });
});
