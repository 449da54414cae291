import { describe, expect, it } from 'vitest';
import {
  ChannelCreated,
  MemberJoined,
  MemberLeft,
  MemberRemoved,
  MessageDeleted,
  MessagePosted,
} from '../../../domain/conversations/channel.js';
import type { RecordedEvent } from '../../../domain/event.js';
import {
  AccountDeactivated,
  AccountRegistered,
  EmailChanged,
  PasswordChanged,
  RoleAssigned,
} from '../../../domain/identity/account/credentials.js';
import { TotpEnabled, TotpEnrolmentBegun } from '../../../domain/identity/account/second-factor.js';
import { SessionBegan, SessionEnded, SessionSeen } from '../../../domain/identity/account/sessions.js';
import { AddressRuleAdded } from '../../../domain/identity/platform-security.js';
import {
  PersonForgotten,
  ProfileChanged,
  ProfileCreated,
  SettingsChanged,
  UsernameChanged,
} from '../../../domain/identity/profile.js';
import { SignInFailed } from '../../../domain/identity/sign-in.js';
import { auditProjection } from '../../../projections/audit/audit.js';
import type { AuditEntry } from '../../../projections/audit/entries.js';
import { loadWhence } from '../../../projections/audit/session-trail.js';
import { idOf, noon, type PastEvent, past, record } from '../specification.js';
import { fold } from './folding.js';
import { FoldedReader } from './reading.js';

const [ann, bob, channelId, phone, laptop] = [1, 2, 3, 4, 5].map(idOf) as [string, string, string, string, string];
const registered = AccountRegistered({ personId: ann, email: 'a@b.org', username: 'ann', passwordHash: '$secret' });
const began = (sessionId: string, address: string) =>
  SessionBegan({
    personId: ann,
    sessionId,
    method: 'password',
    expiresAt: new Date(noon).toISOString(),
    address,
    userAgent: 'Firefox',
  });

const entriesOf = (events: readonly RecordedEvent[]) =>
  Object.entries(fold(auditProjection, events)).flatMap(([id, entry]) =>
    id.startsWith('audit/') ? [entry as AuditEntry] : [],
  );
const typesOf = (history: readonly PastEvent[]) => entriesOf(record(history)).map(({ type }) => type.split('.')[1]);

describe('the audit', () => {
  it('tells who did what to whom, when, and in which session', () => {
    const [event] = record([
      { stream: `account-${ann}`, event: RoleAssigned({ personId: ann, role: 'moderator' }), actor: bob },
    ]) as [RecordedEvent];
    const inSession = { ...event, metadata: { ...event.metadata, session: phone } };
    expect(fold(auditProjection, [inSession])).toEqual({
      'audit/00000000000000000001': {
        position: '1',
        occurredAt: event.metadata.occurredAt,
        type: 'identity.RoleAssigned',
        stream: `account-${ann}`,
        actor: bob,
        session: phone,
        person: ann,
        details: { role: 'moderator' },
        address: null,
      },
    });
  });

  it('holds no secret, no hash and nothing that somebody wrote', () => {
    const history = [
      ...past(
        `account-${ann}`,
        registered,
        EmailChanged({ personId: ann, email: 'secret@b.org', verified: true }),
        PasswordChanged({ personId: ann, passwordHash: '$secret', how: 'changed' }),
        AccountDeactivated({ personId: ann, reason: 'secret' }),
        TotpEnrolmentBegun({ personId: ann, secret: 'secret' }),
        TotpEnabled({ personId: ann, step: 1, recoveryCodeHashes: ['secret'.padEnd(43, 'x')] }),
      ),
      ...past(
        `user-${ann}`,
        ProfileCreated({ personId: ann, name: 'secret', username: 'secret' }),
        ProfileChanged({ personId: ann, name: 'secret', avatar: 'secret', timeZone: null, locale: null }),
        UsernameChanged({ personId: ann, username: 'secret' }),
        SettingsChanged({ personId: ann, settings: { secret: 'secret' } }),
      ),
      ...past('platform-security', AddressRuleAdded({ ruleId: phone, cidr: '::/0', action: 'allow', note: 'secret' })),
      ...past(
        `channel-${channelId}`,
        ChannelCreated({ channelId, name: 'secret', kind: 'private', history: 'all', createdBy: ann }),
      ),
    ];
    expect(entriesOf(record(history))).toHaveLength(history.length);
    expect(JSON.stringify(entriesOf(record(history)))).not.toMatch(/secret@|\$secret|"secret|secretx/);
  });

  it('tells of a channel who made it, who was let in or removed, and what was deleted; not what people do themselves', () => {
    const joined = (how: 'created' | 'joined' | 'added') => MemberJoined({ personId: bob, role: 'member', how });
    const history = past(
      `channel-${channelId}`,
      ChannelCreated({ channelId, name: 'ubuntu', kind: 'private', history: 'all', createdBy: ann }),
      joined('created'),
      joined('joined'),
      joined('added'),
      MessagePosted({ authorId: bob, kind: 'message', text: 'hello' }),
      MessageDeleted({ messageRevision: 4, deletedBy: ann }),
      MemberLeft({ personId: ann, how: 'left', reason: null }),
      MemberRemoved({ personId: bob, removedBy: ann }),
    );
    expect(typesOf(history)).toEqual(['ChannelCreated', 'MemberJoined', 'MessageDeleted', 'MemberRemoved']);
    expect(entriesOf(record(history)).map(({ person, details }) => [person, details])).toEqual([
      [null, { kind: 'private' }],
      [bob, { role: 'member' }],
      [null, { messageRevision: 4 }],
      [bob, {}],
    ]);
  });

  it('tells of a wrong login once, with the address that it came from', () => {
    const failed = SignInFailed({ personId: ann, addressSubject: 'address-a1', address: '192.0.2.1' });
    const history = record([...past('signIn-a1', failed), ...past('signIn-b2', failed)]);
    expect(entriesOf(history)).toMatchObject([{ stream: 'signIn-a1', person: ann, address: '192.0.2.1' }]);
  });

  it('leaves out what an import brings, which was done elsewhere', () => {
    const events = record(past(`user-${ann}`, ProfileCreated({ personId: ann, name: 'Ann', username: null })));
    const imported = events.map((event) => ({ ...event, metadata: { ...event.metadata, origin: 'import' as const } }));
    expect(fold(auditProjection, imported)).toEqual({});
  });

  it('tells of a session from within it when it is used, and whose it was when it ends', () => {
    const ended = SessionEnded({ personId: ann, sessionId: phone, reason: 'ended-by-admin' });
    expect(entriesOf(record(past(`account-${ann}`, began(phone, '::1'), ended)))).toMatchObject([
      { session: phone, details: { method: 'password' } },
      { session: null, details: { sessionId: phone, reason: 'ended-by-admin' } },
    ]);
  });

  it('knows from where a session was used at any time, also when it has ended', async () => {
    const seen = SessionSeen({ personId: ann, sessionId: phone, address: '192.0.2.2', userAgent: 'Chrome' });
    const ended = SessionEnded({ personId: ann, sessionId: phone, reason: 'logged-out' });
    const history = past(`account-${ann}`, registered, began(phone, '192.0.2.1'), began(laptop, '::1'), seen, ended);
    const reader = new FoldedReader(history, [auditProjection]);
    const from = async (position: number) => (await loadWhence(reader, phone, String(position)))?.address;
    expect(await Promise.all([1, 2, 3, 4, 5].map(from))).toEqual([
      undefined,
      '192.0.2.1',
      '192.0.2.1',
      '192.0.2.2',
      '192.0.2.2',
    ]);
  });

  it('keeps what was done, but not from where, when a person is forgotten', () => {
    const failed = SignInFailed({ personId: ann, addressSubject: 'address-a1', address: '192.0.2.1' });
    const history = [
      ...past(`account-${ann}`, began(phone, '192.0.2.1')),
      ...past('signIn-a1', failed),
      ...past(`user-${ann}`, PersonForgotten({ personId: ann })),
    ];
    const documents = fold(auditProjection, record(history));
    expect(typesOf(history)).toEqual(['SessionBegan', 'SignInFailed', 'PersonForgotten']);
    expect(documents).toMatchObject({
      [`sessionTrail/${phone}/00000000000000000001`]: { personId: ann, address: null, userAgent: null },
      'audit/00000000000000000002': { person: ann, address: null },
    });
    expect(JSON.stringify(documents)).not.toMatch(/192\.0\.2|Firefox/);
  });
});
