import { z } from 'zod';
import { type Actor, defineAggregate, defineCommand, onStream } from '../decider.js';
import { type DomainEvent, defineEvent, type RecordedEvent, type RecordedOf } from '../event.js';
import { personId, revision, streamName } from '../ids.js';
import { may } from '../permissions.js';
import { Rejection, reject } from '../rejections.js';
import { type AccountState, account } from './account/account.js';
import { refuseUnproved, shownPassword } from './account/credential-commands.js';
import { AccountForgotten } from './account/credentials.js';
import { SessionsEnded } from './account/sessions.js';
import { platform, recordAdmin } from './admins.js';
import { KeyDestructionOrdered, type PlatformSecurityState } from './platform-security.js';
import {
  emailReservation,
  type ReservationState,
  usernameReservation,
  ValueFreed,
  ValueReserved,
} from './reservation.js';

/** A person as others see them; also one without an account, known from an import. Only the person follows the stream. */

// Events

export const ProfileCreated = defineEvent({
  type: 'identity.ProfileCreated',
  data: z.strictObject({ personId, name: z.string().nullable(), username: z.string().nullable() }),
  personal: { name: 'personId', username: 'personId' },
  audience: 'followers',
  access: ({ data }) => [{ kind: 'joined', person: data.personId, role: 'owner' }],
});

/** The whole profile as it is now, but for the user name. */
export const ProfileChanged = defineEvent({
  type: 'identity.ProfileChanged',
  data: z.strictObject({
    personId,
    name: z.string().nullable(),
    /** Names the picture; what it names is the client's and the file store's business. */
    avatar: z.string().nullable(),
    /** IANA name, such as `Europe/Berlin`. */
    timeZone: z.string().nullable(),
    /** BCP 47, such as `de-AT`. */
    locale: z.string().nullable(),
  }),
  personal: { name: 'personId', avatar: 'personId', timeZone: 'personId', locale: 'personId' },
  audience: 'followers',
});

export const UsernameChanged = defineEvent({
  type: 'identity.UsernameChanged',
  data: z.strictObject({ personId, username: z.string().nullable() }),
  personal: { username: 'personId' },
  audience: 'followers',
});

/** The whole settings of the person's clients as they are now. */
export const SettingsChanged = defineEvent({
  type: 'identity.SettingsChanged',
  data: z.strictObject({ personId, settings: z.record(z.string(), z.json()).nullable() }),
  personal: { settings: 'personId' },
  audience: 'followers',
});

/** The end of all that was the person's: what was sealed for them can't be read any more. */
export const PersonForgotten = defineEvent({
  type: 'identity.PersonForgotten',
  data: z.strictObject({ personId }),
  forgets: 'personId',
  audience: 'followers',
  access: ({ data }) => [{ kind: 'left', person: data.personId }],
});

export const profileEvents = { ProfileCreated, ProfileChanged, UsernameChanged, SettingsChanged, PersonForgotten };
export type ProfileEvent = RecordedOf<typeof profileEvents>;

// State

export interface ProfileState {
  status: 'none' | 'known' | 'forgotten';
  /** Revision of the event that holds the name and the rest of the profile. */
  profileRevision?: number;
  usernameRevision?: number;
  settingsRevision?: number;
  changedAt: number;
}

export const profile = defineAggregate<ProfileState>({
  category: 'user',
  version: 2,
  initialState: () => ({ status: 'none', changedAt: -1 }),
  changedAt: (state) => state.changedAt,
  evolve(state: ProfileState, event: ProfileEvent): ProfileState {
    const { revision } = event;
    if (event.type !== 'identity.SettingsChanged') state.changedAt = revision;
    switch (event.type) {
      case 'identity.ProfileCreated':
        state.status = 'known';
        state.profileRevision = revision;
        state.usernameRevision = revision;
        break;
      case 'identity.ProfileChanged':
        state.profileRevision = revision;
        break;
      case 'identity.UsernameChanged':
        state.usernameRevision = revision;
        break;
      case 'identity.SettingsChanged':
        state.settingsRevision = revision;
        break;
      case 'identity.PersonForgotten':
        state.status = 'forgotten';
        break;
    }
    return state;
  },
});

// Commands

const ofPerson = (input: { personId: string }) => input.personId;
const personReply = (_events: readonly RecordedEvent[], input: { personId: string }) => ({ id: input.personId });

function refuseChange({ status }: ProfileState, actor: Actor, owner: string): Rejection | undefined {
  if (actor.id !== owner && !may(actor, 'accounts.change')) return reject('forbidden');
  return status === 'known' ? undefined : reject('not-found');
}

/** Makes a person without an account known, such as a nickname of an imported transcript. */
export const IntroducePerson = defineCommand({
  type: 'identity.IntroducePerson',
  issuer: 'system',
  aggregate: profile,
  input: z.strictObject({ personId, name: z.string().min(1).max(80) }),
  streamId: ofPerson,
  decide(state, { input }) {
    if (state.status !== 'none') return [];
    return [ProfileCreated({ personId: input.personId, name: input.name, username: null })];
  },
  reply: personReply,
});

export const personName = z
  .string()
  .trim()
  .min(2, 'must be at least 2 characters')
  .max(50, 'must be at most 50 characters');

const timeZone = z
  .string()
  .max(64)
  .refine(
    (zone) => isKnown(() => new Intl.DateTimeFormat('en', { timeZone: zone })),
    'must be an IANA time zone, such as Europe/Berlin',
  );
const locale = z
  .string()
  .max(35)
  .refine((tag) => isKnown(() => new Intl.Locale(tag)), 'must be a language tag, such as de-AT');

function isKnown(use: () => unknown): boolean {
  try {
    use();
    return true;
  } catch {
    return false;
  }
}

/** What people may tell of themselves; `null` takes it back. */
export const profileFields = {
  name: personName,
  avatar: z.string().trim().min(1).max(2_048, 'must be at most 2,048 characters').nullable(),
  timeZone: timeZone.nullable(),
  locale: locale.nullable(),
};

/** Replaces the profile. Issued by `src/auth`, which completes what the caller left out. */
export const ChangeProfile = defineCommand({
  type: 'identity.ChangeProfile',
  issuer: 'system',
  aggregate: profile,
  input: z.strictObject({ personId, ...profileFields, name: personName.nullable() }),
  streamId: ofPerson,
  decide: (state, { input, actor }) => refuseChange(state, actor, input.personId) ?? [ProfileChanged(input)],
  reply: personReply,
});

/** Issued by `src/auth`, which computes the reservations' names. */
export const ChangeUsername = defineCommand({
  type: 'identity.ChangeUsername',
  issuer: 'system',
  aggregate: profile,
  input: z.strictObject({
    personId,
    username: z.string(),
    reservation: z.string(),
    /** Reservation of the name that is to be given up, where there is one, and the event that the name is from. */
    formerReservation: z.string().nullable(),
    formerRevision: revision.optional(),
  }),
  streamId: ofPerson,
  others: ({ reservation, formerReservation }) => ({
    next: { stream: usernameStream(reservation), aggregate: usernameReservation },
    ...(formerReservation !== null &&
      formerReservation !== reservation && {
        former: { stream: usernameStream(formerReservation), aggregate: usernameReservation },
      }),
  }),
  decide(state, { input, actor }, others: { next?: ReservationState; former?: ReservationState }) {
    const { personId, username, reservation, formerReservation } = input;
    const refusal = refuseChange(state, actor, personId);
    if (refusal) return refusal;
    if (input.formerRevision !== state.usernameRevision) return reject('stale-version');
    const owner = others.next?.owner ?? null;
    if (owner !== null && owner !== personId) return reject('username-taken', undefined, 'username');
    const events: DomainEvent[] = [UsernameChanged({ personId, username })];
    if (owner === null) events.push(onStream(usernameStream(reservation), ValueReserved({ owner: personId })));
    if (others.former && formerReservation !== null) {
      events.push(onStream(usernameStream(formerReservation), ValueFreed({ owner: personId })));
    }
    return events;
  },
  reply: personReply,
});

const maxSettingsLength = 32_768;

export const settings = z
  .record(z.string().min(1).max(100), z.json())
  .refine((value) => JSON.stringify(value).length <= maxSettingsLength, 'must be at most 32 KiB as JSON');

/** Replaces the settings of the person's clients: any JSON object. */
export const ChangeSettings = defineCommand({
  type: 'identity.ChangeSettings',
  issuer: 'system',
  aggregate: profile,
  input: z.strictObject({ personId, settings }),
  streamId: ofPerson,
  decide(state, { input, actor }) {
    if (actor.id !== input.personId) return reject('forbidden');
    return refuseChange(state, actor, input.personId) ?? [SettingsChanged(input)];
  },
  reply: (_events, input) => ({ id: input.personId, settings: input.settings }),
});

// Forgetting

/**
 * Forgets a person: their names and e-mail address become free, their sessions end, and their key is to be destroyed.
 * Issued by `src/auth`, which computes the reservations' names before that key is gone.
 */
export const ForgetPerson = defineCommand({
  type: 'identity.ForgetPerson',
  issuer: 'system',
  aggregate: profile,
  input: z.strictObject({
    personId,
    /** Each with the event that the value is from, so that none is left reserved that was taken meanwhile. */
    emailReservation: z.string().nullable(),
    emailRevision: revision.optional(),
    usernameReservation: z.string().nullable(),
    usernameRevision: revision.optional(),
    passwordRevision: shownPassword,
  }),
  streamId: ofPerson,
  others: (input) => ({
    account: { stream: streamName(account.category, input.personId), aggregate: account },
    platform,
    ...(input.emailReservation !== null && {
      email: { stream: emailStream(input.emailReservation), aggregate: emailReservation },
    }),
    ...(input.usernameReservation !== null && {
      username: { stream: usernameStream(input.usernameReservation), aggregate: usernameReservation },
    }),
  }),
  decide(
    state,
    { input, actor },
    others: {
      account: AccountState;
      platform: PlatformSecurityState;
      email?: ReservationState;
      username?: ReservationState;
    },
  ) {
    const { personId } = input;
    if (actor.id !== personId && !may(actor, 'accounts.forget')) return reject('forbidden');
    if (state.status === 'none') return reject('not-found');
    if (state.status === 'forgotten') return [];
    const refusal = refuseUnproved(others.account, actor, personId, input.passwordRevision);
    if (refusal) return refusal;
    const isOutdated =
      input.emailRevision !== others.account.credentials.emailRevision ||
      input.usernameRevision !== state.usernameRevision;
    if (isOutdated) return reject('stale-version');
    const { credentials } = others.account;
    const recorded = recordAdmin(others.platform, personId, credentials, { ...credentials, status: 'forgotten' });
    if (recorded instanceof Rejection) return recorded;
    const events: DomainEvent[] = [
      PersonForgotten({ personId }),
      onStream(platform.stream, KeyDestructionOrdered({ personId })),
      ...recorded,
    ];
    if (credentials.status !== 'none') {
      const stream = streamName(account.category, personId);
      events.push(onStream(stream, SessionsEnded({ personId, except: null, reason: 'forgotten' })));
      events.push(onStream(stream, AccountForgotten({ personId })));
    }
    const freed = ValueFreed({ owner: personId });
    const { email, username } = others;
    if (input.emailReservation !== null && email?.owner === personId) {
      events.push(onStream(emailStream(input.emailReservation), freed));
    }
    if (input.usernameReservation !== null && username?.owner === personId) {
      events.push(onStream(usernameStream(input.usernameReservation), freed));
    }
    return events;
  },
  reply: personReply,
});

function emailStream(reservation: string): string {
  return streamName(emailReservation.category, reservation);
}

function usernameStream(reservation: string): string {
  return streamName(usernameReservation.category, reservation);
}

export const profileCommands = [IntroducePerson, ChangeProfile, ChangeUsername, ChangeSettings, ForgetPerson] as const;
