import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { type Aggregate, systemActor } from '../../domain/decider.js';
import type { RecordedEvent } from '../../domain/event.js';
import { account } from '../../domain/identity/account/account.js';
import { AccountRegistered } from '../../domain/identity/account/credentials.js';
import { ProfileCreated, profile } from '../../domain/identity/profile.js';
import { emailReservation, type ReservationState, usernameReservation } from '../../domain/identity/reservation.js';
import { streamName } from '../../domain/ids.js';
import { type CommandPipeline, CommandRejected, type CommandReply, parse } from '../commands/port.js';
import type { Codec } from '../event-store/codec.js';
import type { EventStore } from '../event-store/port.js';
import { newPassword } from './password-rules.js';
import type { Passwords } from './passwords.js';
import { proposeUsernames } from './usernames.js';

export interface Registration {
  readonly email: string;
  readonly name: string;
  readonly password: string;
  /** One is derived where none is given. */
  readonly username?: string | undefined;
}

/** A person as they see themselves. */
export interface User {
  readonly id: string;
  readonly email: string | null;
  readonly name: string | null;
  readonly username: string | null;
}

interface AccountsOptions {
  readonly pipeline: CommandPipeline;
  readonly eventStore: EventStore;
  readonly codec: Codec;
  readonly passwords: Passwords;
  /** Names the streams of reserved values; never rotated. */
  readonly reservationKey: Buffer;
  /** In characters. */
  readonly passwordMinLength: number;
}

const pageSize = 500;

/**
 * Accounts: how people register and prove who they are. Reads streams, never read models, so that an account can be
 * used as soon as it is registered.
 */
export class Accounts {
  constructor(private readonly options: AccountsOptions) {}

  /**
   * @throws as `CommandPipeline.execute`; also {InvalidInput} if the password is too short
   * @throws {QueueFull} if too many passwords are being hashed
   */
  async register(registration: Registration, idempotencyKey?: string): Promise<{ reply: CommandReply; user: User }> {
    const { name, password } = registration;
    const { passwordMinLength } = this.options;
    parse(z.object({ password: newPassword(passwordMinLength) }), { password });
    const email = foldEmail(registration.email);
    const passwordHash = await this.options.passwords.hash(password);
    const usernames = registration.username === undefined ? proposeUsernames(name, email) : [registration.username];
    const reservation = this.#reserve('email', email);
    const reply = await this.options.pipeline.execute({
      type: 'identity.RegisterAccount',
      actor: systemActor,
      input: {
        email: { address: email, reservation },
        name,
        passwordHash,
        usernames: usernames.map((username) => ({
          username,
          reservation: this.#reserve('username', foldUsername(username)),
        })),
      },
      // Nobody is logged in yet: the key is that of whoever has this address.
      ...(idempotencyKey !== undefined && { idempotencyKey: `${reservation} ${idempotencyKey}` }),
      sameness: { email, name, username: registration.username ?? null },
    });
    if (idempotencyKey !== undefined) await this.#assertSamePassword(reply.id, password, passwordHash);
    return { reply, user: await this.user(reply.id) };
  }

  /** A request sent again must bring the password of the first one: it is answered with a session. */
  async #assertSamePassword(personId: string, password: string, passwordHash: string): Promise<void> {
    const kept = await this.#passwordHash(personId);
    if (kept === passwordHash || (await this.options.passwords.matches(password, kept))) return;
    throw new CommandRejected('idempotency-key-reused');
  }

  /**
   * @param login - an e-mail address or a user name
   * @returns undefined if there is no such account, or its password is another; both take as long
   * @throws {QueueFull} if too many passwords are being compared
   */
  async logIn(login: string, password: string): Promise<User | undefined> {
    const personId = await this.#owner(login);
    const hash = personId === undefined ? undefined : await this.#passwordHash(personId);
    const matches = await this.options.passwords.matches(password, hash);
    return matches && personId !== undefined ? this.user(personId) : undefined;
  }

  /** What is forgotten, or was never known, is `null`. */
  async user(personId: string): Promise<User> {
    const [registered, created] = await Promise.all([
      this.#last(streamName(account.category, personId), AccountRegistered.type),
      this.#last(streamName(profile.category, personId), ProfileCreated.type),
    ]);
    const { email = null } = (registered?.data ?? {}) as { email?: string | null };
    const { name = null, username = null } = (created?.data ?? {}) as {
      name?: string | null;
      username?: string | null;
    };
    return { id: personId, email, name, username };
  }

  async #owner(login: string): Promise<string | undefined> {
    const stream = login.includes('@')
      ? streamName(emailReservation.category, this.#reserve('email', foldEmail(login)))
      : streamName(usernameReservation.category, this.#reserve('username', foldUsername(login)));
    const state = await this.#fold<ReservationState>(emailReservation, stream);
    return state.owner ?? undefined;
  }

  async #passwordHash(personId: string): Promise<string | undefined> {
    const stream = streamName(account.category, personId);
    const { passwordRevision } = (await this.#fold(account, stream)).credentials;
    if (passwordRevision === undefined) return undefined;
    const stored = await this.options.eventStore.readStream(stream, { from: passwordRevision, limit: 1 });
    const [event] = await this.options.codec.decode(stored);
    return (event?.data as { passwordHash?: string | null } | undefined)?.passwordHash ?? undefined;
  }

  async #fold<State>(aggregate: Aggregate<State>, stream: string): Promise<State> {
    let state = aggregate.initialState();
    for await (const event of this.#events(stream)) state = aggregate.evolve(state, event);
    return state;
  }

  async #last(stream: string, type: string): Promise<RecordedEvent | undefined> {
    let last: RecordedEvent | undefined;
    for await (const event of this.#events(stream)) if (event.type === type) last = event;
    return last;
  }

  async *#events(stream: string): AsyncGenerator<RecordedEvent> {
    for (let from = 0; ; from += pageSize) {
      const page = await this.options.eventStore.readStream(stream, { from, limit: pageSize });
      yield* await this.options.codec.decode(page);
      if (page.length < pageSize) return;
    }
  }

  #reserve(kind: 'email' | 'username', value: string): string {
    return createHmac('sha256', this.options.reservationKey).update(`${kind}:${value}`).digest('hex');
  }
}

function foldEmail(email: string): string {
  return email.trim().normalize('NFKC').toLowerCase();
}

function foldUsername(username: string): string {
  return username.trim().normalize('NFKC').toLowerCase();
}
