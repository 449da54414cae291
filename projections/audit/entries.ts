import { ChannelCreated, MemberJoined, MemberRemoved, MessageDeleted } from '../../domain/conversations/channel.js';
import type { AnyEventDefinition, RecordedEvent } from '../../domain/event.js';
import {
  AccountDeactivated,
  AccountForgotten,
  AccountReactivated,
  AccountRegistered,
  EmailChanged,
  EmailVerificationRequested,
  EmailVerified,
  PasswordChanged,
  PasswordResetRequested,
  RegistrationAttempted,
  RoleAssigned,
} from '../../domain/identity/account/credentials.js';
import {
  RecoveryCodesRenewed,
  RecoveryCodeUsed,
  TotpDisabled,
  TotpEnabled,
  TotpEnrolmentBegun,
  TotpUsed,
} from '../../domain/identity/account/second-factor.js';
import {
  SessionBegan,
  SessionEnded,
  SessionRefreshed,
  SessionSeen,
  SessionsEnded,
  SocketTicketUsed,
} from '../../domain/identity/account/sessions.js';
import {
  AddressRuleAdded,
  AddressRuleRemoved,
  AllSessionsRevoked,
  SigningKeyIntroduced,
} from '../../domain/identity/platform-security.js';
import {
  PersonForgotten,
  ProfileChanged,
  ProfileCreated,
  SettingsChanged,
  UsernameChanged,
} from '../../domain/identity/profile.js';
import { AddressBlocked, SignInFailed } from '../../domain/identity/sign-in.js';
import { parseStreamName } from '../../domain/ids.js';
import { MeetingCreated } from '../../domain/meetings/meeting.js';
import { RoomCreated } from '../../domain/rooms/room.js';
import { type Collection, creates, type Fold } from '../projection.js';

/** Ids, codes and times: nothing that someone wrote, no secret and no hash. */
export type Details = Readonly<Record<string, string | number | boolean | null>>;

/** Something that was done, by whom and to whom. */
export interface AuditEntry {
  /** Decimal. */
  position: string;
  /** ISO 8601 in UTC */
  occurredAt: string;
  type: string;
  stream: string;
  /** A person, or `system`. */
  actor: string;
  /** In which it was done; what is known of it is in the session's trail. */
  session: string | null;
  /** To whom, where it was done to someone. */
  person: string | null;
  details: Details;
  /** From where someone tried in vain to log in as the person. */
  address: string | null;
}

/** What an event tells the audit. */
interface Told {
  /** To whom it was done. */
  readonly person?: string | null;
  readonly session?: string;
  readonly details?: Details;
  readonly address?: string | null;
}

type EventOf<Definition> = Definition extends { toFrame(event: infer Event): unknown } ? Event : never;
type Entry = [string, Fold<AuditEntry>];

/** @param tell - undefined where it is nothing for the audit */
function audited<Definition extends AnyEventDefinition>(
  definition: Definition,
  tell: (event: EventOf<Definition>) => Told | undefined,
): Entry {
  return creates(
    definition,
    (event) => (isOfHere(event) && tell(event) ? [entryId((event as RecordedEvent).position)] : []),
    (event) => entryOf(event as RecordedEvent, tell(event) ?? {}),
  );
}

/** What an import brings was done elsewhere. */
function isOfHere(event: unknown): boolean {
  return (event as RecordedEvent).metadata.origin === undefined;
}

function entryOf(event: RecordedEvent, { person = null, session, details = {}, address = null }: Told): AuditEntry {
  const { position, type, stream, metadata } = event;
  return {
    position: String(position),
    occurredAt: metadata.occurredAt,
    type,
    stream,
    actor: metadata.actor,
    session: metadata.session ?? session ?? null,
    person,
    details,
    address,
  };
}

/** In the order of the log. */
export function entryId(position: bigint): string {
  return String(position).padStart(20, '0');
}

/** What was done to an account or a profile. */
function toPerson<Definition extends AnyEventDefinition>(
  definition: Definition,
  detailsOf: (data: EventOf<Definition>['data']) => Details = () => ({}),
): Entry {
  return audited(definition, ({ data }: EventOf<Definition>) => ({
    person: (data as { personId: string }).personId,
    details: detailsOf(data),
  }));
}

/** What a session tells of itself, it tells from within. */
function inSession<Definition extends AnyEventDefinition>(
  definition: Definition,
  detailsOf: (data: EventOf<Definition>['data']) => Details = () => ({}),
): Entry {
  return audited(definition, ({ data }: EventOf<Definition>) => {
    const { personId, sessionId } = data as { personId: string; sessionId: string };
    return { person: personId, session: sessionId, details: detailsOf(data) };
  });
}

/** By position. */
export const entries: Collection<AuditEntry> = {
  name: 'audit',
  indexes: [['occurredAt'], ['actor', 'occurredAt'], ['person', 'occurredAt'], ['type', 'occurredAt']],
  personal: { person: ['address'] },
  folds: new Map([
    // Accounts
    toPerson(AccountRegistered),
    toPerson(RegistrationAttempted),
    toPerson(EmailVerificationRequested, ({ purpose }) => ({ purpose })),
    toPerson(EmailVerified),
    toPerson(EmailChanged, ({ verified }) => ({ verified })),
    toPerson(PasswordResetRequested, ({ reason }) => ({ reason })),
    toPerson(PasswordChanged, ({ how }) => ({ how })),
    toPerson(RoleAssigned, ({ role }) => ({ role })),
    toPerson(AccountDeactivated),
    toPerson(AccountReactivated),
    toPerson(AccountForgotten),

    // Sessions
    inSession(SessionBegan, ({ method }) => ({ method })),
    inSession(SessionRefreshed),
    inSession(SessionSeen),
    inSession(SocketTicketUsed),
    toPerson(SessionEnded, ({ sessionId, reason }) => ({ sessionId, reason })),
    toPerson(SessionsEnded, ({ except, reason }) => ({ except, reason })),

    // Second factor
    toPerson(TotpEnrolmentBegun),
    toPerson(TotpEnabled),
    toPerson(TotpDisabled),
    toPerson(TotpUsed),
    toPerson(RecoveryCodesRenewed),
    toPerson(RecoveryCodeUsed),

    // Profiles
    toPerson(ProfileCreated),
    toPerson(ProfileChanged),
    toPerson(UsernameChanged),
    toPerson(SettingsChanged),
    toPerson(PersonForgotten),

    // Wrong logins: told to the stream of the address and to that of the account
    audited(SignInFailed, ({ stream, data: { personId, addressSubject, address } }) =>
      addressSubject === `address-${parseStreamName(stream).id}` ? { person: personId, address } : undefined,
    ),
    audited(AddressBlocked, ({ data: { until } }) => ({ details: { until } })),

    // The platform
    audited(AddressRuleAdded, ({ data: { ruleId, cidr, action } }) => ({ details: { ruleId, cidr, action } })),
    audited(AddressRuleRemoved, ({ data: { ruleId } }) => ({ details: { ruleId } })),
    audited(SigningKeyIntroduced, ({ data: { kid } }) => ({ details: { kid } })),
    audited(AllSessionsRevoked, () => ({})),

    // What gives people something to enter, lets them in or shuts them out, and takes something away
    audited(ChannelCreated, ({ data: { kind } }) => ({ details: { kind } })),
    audited(MemberJoined, ({ data: { personId, role, how } }) =>
      how === 'added' ? { person: personId, details: { role } } : undefined,
    ),
    audited(MemberRemoved, ({ data: { personId } }) => ({ person: personId })),
    audited(MessageDeleted, ({ data: { messageRevision } }) => ({ details: { messageRevision } })),
    audited(MeetingCreated, () => ({})),
    audited(RoomCreated, () => ({})),
  ]),
};
