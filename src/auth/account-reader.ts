import type { Aggregate } from '../../domain/decider.js';
import { type AccountState, account } from '../../domain/identity/account/account.js';
import { type ProfileState, profile } from '../../domain/identity/profile.js';
import { emailReservation, usernameReservation } from '../../domain/identity/reservation.js';
import { streamName } from '../../domain/ids.js';
import type { PlatformRole } from '../../domain/permissions.js';
import type { Codec } from '../event-store/codec.js';
import type { EventStore } from '../event-store/port.js';
import type { LiveStreams } from '../relay/live-streams.js';
import type { Reservations } from './reservations.js';

/** A person as they see themselves. What is forgotten, or was never known, is `null`. */
export interface User {
  readonly id: string;
  readonly email: string | null;
  readonly emailVerified: boolean;
  readonly name: string | null;
  readonly username: string | null;
  readonly role: PlatformRole;
  readonly avatar: string | null;
  readonly timeZone: string | null;
  readonly locale: string | null;
}

export interface AccountReaderOptions {
  readonly eventStore: Pick<EventStore, 'readStream'>;
  readonly codec: Pick<Codec, 'decode'>;
  readonly liveStreams: LiveStreams;
  readonly reservations: Reservations;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads accounts and profiles from their streams, not from read models: an account can be used as soon as it is
 * registered. States hold nothing personal; they name the events that do.
 */
export class AccountReader {
  constructor(private readonly options: AccountReaderOptions) {}

  /** @param login - an e-mail address or a user name. @returns the id of the person whose it is */
  async ownerOf(login: string): Promise<string | undefined> {
    const { kind, reservation } = this.options.reservations.login(login);
    const aggregate = kind === 'email' ? emailReservation : usernameReservation;
    return (await this.#latest(aggregate, reservation)).owner ?? undefined;
  }

  account(personId: string): Promise<AccountState> {
    return this.#latest(account, personId);
  }

  profile(personId: string): Promise<ProfileState> {
    return this.#latest(profile, personId);
  }

  async email(personId: string, { credentials }: AccountState): Promise<string | null> {
    const { email } = await this.#fields(streamName(account.category, personId), credentials.emailRevision);
    return textOf(email);
  }

  /** The address that a change waits for, until it is confirmed. */
  async requestedEmail(personId: string, { credentials }: AccountState): Promise<string | null> {
    const { email } = await this.#fields(streamName(account.category, personId), credentials.verification?.revision);
    return textOf(email);
  }

  async passwordHash(personId: string, { credentials }: AccountState): Promise<string | undefined> {
    const stream = streamName(account.category, personId);
    const { passwordHash } = await this.#fields(stream, credentials.passwordRevision);
    return textOf(passwordHash) ?? undefined;
  }

  /** @param revision - of the event that holds it, as the account's state names it */
  async totpSecret(personId: string, revision: number | undefined): Promise<string | undefined> {
    const { secret } = await this.#fields(streamName(account.category, personId), revision);
    return textOf(secret) ?? undefined;
  }

  async username(personId: string, { usernameRevision }: ProfileState): Promise<string | null> {
    const { username } = await this.#fields(streamName(profile.category, personId), usernameRevision);
    return textOf(username);
  }

  async settings(personId: string): Promise<object> {
    const { settingsRevision } = await this.profile(personId);
    const { settings } = await this.#fields(streamName(profile.category, personId), settingsRevision);
    return (settings ?? {}) as object;
  }

  async user(personId: string): Promise<User> {
    const [account, profile] = await Promise.all([this.account(personId), this.profile(personId)]);
    const [email, username, { name, avatar, timeZone, locale }] = await Promise.all([
      this.email(personId, account),
      this.username(personId, profile),
      this.#profileFields(personId, profile),
    ]);
    const { emailVerified, role } = account.credentials;
    return {
      id: personId,
      email,
      emailVerified,
      name: textOf(name),
      username,
      role,
      avatar: textOf(avatar),
      timeZone: textOf(timeZone),
      locale: textOf(locale),
    };
  }

  #profileFields(personId: string, { profileRevision }: ProfileState): Promise<Fields> {
    return this.#fields(streamName(profile.category, personId), profileRevision);
  }

  #latest<State>(aggregate: Aggregate<State>, id: string): Promise<State> {
    return this.options.liveStreams.latest(aggregate, id);
  }

  /** The data of one event, opened; nothing where there is no such event. */
  async #fields(stream: string, revision: number | undefined): Promise<Fields> {
    if (revision === undefined) return {};
    const [event] = await this.options.codec.decode(
      await this.options.eventStore.readStream(stream, { from: revision, limit: 1 }),
    );
    return (event?.data ?? {}) as Fields;
  }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
