import { type Actor, systemActor } from '../../domain/decider.js';
import type { PlatformRole } from '../../domain/permissions.js';
import { newUuid } from '../commands/new-id.js';
import { type CommandPipeline, CommandRejected, type CommandReply } from '../commands/port.js';
import type { AccountReader } from './account-reader.js';
import type { InternalTokens } from './internal-tokens.js';
import { importedPasswordHash, type Passwords } from './passwords.js';
import type { Reservations } from './reservations.js';
import type { SignInFailures } from './sign-in-failures.js';
import { proposeUsernames } from './usernames.js';
import { WrongCredentials } from './wrong-credentials.js';

export interface Registration {
  readonly email: string;
  readonly name: string;
  readonly password: string;
  /** One is derived where none is given. */
  readonly username?: string | undefined;
}

/** An account as an admin makes it. */
export interface NewAccount {
  readonly email?: string | undefined;
  readonly name: string;
  readonly username?: string | undefined;
  /** Where there is an address and no password, a mail lets the person set one. */
  readonly password?: string | undefined;
  /** In place of the password: what another system kept of it, made with bcrypt. */
  readonly passwordHash?: string | undefined;
  readonly role?: PlatformRole | undefined;
  /** The address is known to be the person's: no mail asks for it. */
  readonly emailVerified?: boolean;
}

export interface AccountsOptions {
  readonly pipeline: Pick<CommandPipeline, 'execute'>;
  readonly reader: AccountReader;
  readonly passwords: Passwords;
  readonly reservations: Reservations;
  readonly internalTokens: InternalTokens;
  readonly failures: SignInFailures;
  /** Whether an account can only be used once its address is verified. */
  readonly verifiedEmailOnly: boolean;
}

const hourMs = 60 * 60 * 1_000;
/** How long mailed links are good, in ms. */
const verificationLifetimeMs = 24 * hourMs;
const resetLifetimeMs = hourMs;
const invitationLifetimeMs = 7 * 24 * hourMs;

/** Accounts: registers people, changes their addresses and passwords, and forgets them. */
export class Accounts {
  constructor(private readonly options: AccountsOptions) {}

  // Registration

  /**
   * @returns undefined where a mail has to be answered first, whether the address was free or not
   * @throws as `CommandPipeline.execute`
   * @throws {QueueFull} if too many passwords are being hashed
   */
  async register(registration: Registration, idempotencyKey?: string): Promise<CommandReply | undefined> {
    if (!this.options.verifiedEmailOnly) return this.#register(registration, idempotencyKey);
    await this.#register(registration, idempotencyKey).catch(async (error: unknown) => {
      if (!(error instanceof CommandRejected && error.code === 'email-taken')) throw error;
      await this.#reportAttempt(registration.email);
    });
    return undefined;
  }

  async #register({ email, name, password, username }: Registration, idempotencyKey?: string): Promise<CommandReply> {
    const { pipeline, passwords, reservations } = this.options;
    const passwordHash = await passwords.hash(password);
    const { value: address, reservation } = reservations.email(email);
    const reply = await pipeline.execute({
      type: 'identity.RegisterAccount',
      actor: systemActor,
      input: {
        email: { address, reservation },
        name,
        passwordHash,
        usernames: this.#candidates(name, address, username),
        verification: mailed(verificationLifetimeMs),
      },
      // Nobody is logged in yet: the key is that of whoever has this address.
      ...(idempotencyKey !== undefined && { idempotencyKey: `${reservation} ${idempotencyKey}` }),
      sameness: { email: address, name, username: username ?? null },
    });
    if (idempotencyKey !== undefined) await this.#assertSamePassword(reply.id, password, passwordHash);
    return reply;
  }

  /** A request sent again must bring the password of the first one: it is answered with a session. */
  async #assertSamePassword(personId: string, password: string, passwordHash: string): Promise<void> {
    const { reader, passwords } = this.options;
    const kept = await reader.passwordHash(personId, await reader.account(personId));
    if (kept === passwordHash || (await passwords.matches(password, kept))) return;
    throw new CommandRejected('idempotency-key-reused');
  }

  async #reportAttempt(email: string): Promise<void> {
    const personId = await this.options.reader.ownerOf(email);
    if (personId === undefined) return;
    const input = { personId };
    await this.options.pipeline.execute({ type: 'identity.ReportRegistrationAttempt', actor: systemActor, input });
  }

  /** Makes an account for someone else. */
  async create(actor: Actor, account: NewAccount): Promise<CommandReply> {
    const { pipeline, passwords, reservations } = this.options;
    const { email, name, username, password, role, emailVerified = false } = account;
    const reserved = email === undefined ? undefined : reservations.email(email);
    const imported = account.passwordHash === undefined ? undefined : importedPasswordHash(account.passwordHash);
    const passwordHash = imported ?? (password === undefined ? null : await passwords.hash(password));
    const hasPassword = passwordHash !== null;
    return pipeline.execute({
      type: 'identity.RegisterAccount',
      actor,
      input: {
        email: reserved ? { address: reserved.value, reservation: reserved.reservation } : null,
        name,
        passwordHash,
        usernames: this.#candidates(name, reserved?.value ?? '', username),
        ...(role !== undefined && { role }),
        ...(reserved && !hasPassword && { invitation: mailed(invitationLifetimeMs) }),
        emailVerified,
        ...(reserved && hasPassword && !emailVerified && { verification: mailed(verificationLifetimeMs) }),
      },
    });
  }

  #candidates(name: string, email: string, username: string | undefined) {
    const usernames = username === undefined ? proposeUsernames(name, email) : [username];
    return usernames.map((candidate) => {
      const { value, reservation } = this.options.reservations.username(candidate);
      return { username: value, reservation };
    });
  }

  // E-mail address

  /** @throws {CommandRejected} `token-not-valid` */
  async verifyEmail(token: string): Promise<void> {
    const { internalTokens, pipeline } = this.options;
    const facts = await internalTokens.verify('verify-email', token);
    if (facts) {
      const { personId, jti: requestId } = facts;
      await pipeline.execute({ type: 'identity.VerifyEmail', actor: { id: personId }, input: { personId, requestId } });
      return;
    }
    await this.#confirmEmailChange(token);
  }

  async #confirmEmailChange(token: string): Promise<void> {
    const { internalTokens, reader } = this.options;
    const facts = await internalTokens.verify('change-email', token);
    const account = facts && (await reader.account(facts.personId));
    const email = facts && account && (await reader.requestedEmail(facts.personId, account));
    if (!facts || !email) throw new CommandRejected('token-not-valid');
    await this.#changeEmail({ id: facts.personId }, facts.personId, email, { requestId: facts.jti });
  }

  /** Has the mail that verifies an address sent again. Says nothing of whether there is such an account. */
  async resendVerification(email: string): Promise<void> {
    const { reader, pipeline } = this.options;
    const personId = await reader.ownerOf(email);
    if (personId === undefined) return;
    const account = await reader.account(personId);
    const address = await reader.email(personId, account);
    if (address === null || account.credentials.emailVerified || account.credentials.status !== 'active') return;
    await pipeline.execute({
      type: 'identity.RequestEmailVerification',
      actor: systemActor,
      input: { personId, purpose: 'verify', email: address, ...mailed(verificationLifetimeMs) },
    });
  }

  /**
   * Changes one's address: a mail to the new one has to be answered where addresses are verified.
   * @returns whether it is changed already
   * @throws {WrongCredentials} if the password is wrong
   */
  async changeOwnEmail(actor: Actor, email: string, password: string, address: string): Promise<boolean> {
    const passwordRevision = await this.assertPassword(actor.id, password, address);
    if (!this.options.verifiedEmailOnly) {
      await this.#changeEmail(actor, actor.id, email, { passwordRevision });
      return true;
    }
    const { value } = this.options.reservations.email(email);
    await this.options.pipeline.execute({
      type: 'identity.RequestEmailVerification',
      actor,
      input: { personId: actor.id, purpose: 'change', email: value, ...mailed(verificationLifetimeMs) },
    });
    return false;
  }

  /** Changes someone's address, or takes it away; for admins. */
  async changeEmail(actor: Actor, personId: string, email: string | null): Promise<void> {
    await this.#changeEmail(actor, personId, email);
  }

  async #changeEmail(
    actor: Actor,
    personId: string,
    email: string | null,
    proof: { readonly requestId?: string; readonly passwordRevision?: number } = {},
  ): Promise<void> {
    const { pipeline, reader, reservations } = this.options;
    const account = await reader.account(personId);
    const { emailRevision } = account.credentials;
    const former = await reader.email(personId, account);
    const next = email === null ? undefined : reservations.email(email);
    await pipeline.execute({
      type: 'identity.ChangeEmail',
      actor,
      input: {
        personId,
        email: next ? { address: next.value, reservation: next.reservation } : null,
        formerReservation: former === null ? null : reservations.email(former).reservation,
        formerRevision: emailRevision,
        ...proof,
      },
    });
  }

  // Password

  /**
   * Has someone who is logged in show that they know the password.
   * @returns the revision of the event that holds the hash that it was compared with
   * @throws {WrongCredentials}
   * @throws {RateLimited} as at a login: whoever found an open browser may not go on guessing
   */
  async assertPassword(personId: string, password: string, address: string): Promise<number> {
    const { reader, passwords, failures } = this.options;
    const attempt = { account: personId, personId, address };
    await failures.assertAllowed(attempt);
    const account = await reader.account(personId);
    const { passwordRevision } = account.credentials;
    const hash = await reader.passwordHash(personId, account);
    const matches = await passwords.matches(password, hash);
    if (matches && passwordRevision !== undefined) return passwordRevision;
    await failures.record(attempt);
    throw new WrongCredentials();
  }

  /** @throws {WrongCredentials} if the present password is another */
  async changePassword(actor: Actor, current: string, next: string, address: string): Promise<void> {
    const passwordRevision = await this.assertPassword(actor.id, current, address);
    await this.#setPassword(actor, actor.id, next, passwordRevision);
  }

  /** Sets someone's password; for admins. */
  async setPassword(actor: Actor, personId: string, password: string): Promise<void> {
    await this.#setPassword(actor, personId, password);
  }

  async #setPassword(actor: Actor, personId: string, password: string, passwordRevision?: number): Promise<void> {
    const passwordHash = await this.options.passwords.hash(password);
    await this.options.pipeline.execute({
      type: 'identity.ChangePassword',
      actor,
      input: { personId, passwordHash, ...(passwordRevision !== undefined && { passwordRevision }) },
    });
  }

  /** Has a mail sent that lets a person set a new password. Says nothing of whether there is such an account. */
  async forgotPassword(email: string): Promise<void> {
    const personId = await this.options.reader.ownerOf(email);
    if (personId === undefined) return;
    await this.options.pipeline.execute({
      type: 'identity.RequestPasswordReset',
      actor: systemActor,
      input: { personId, ...mailed(resetLifetimeMs) },
    });
  }

  /** @throws {CommandRejected} `token-not-valid` */
  async resetPassword(token: string, password: string): Promise<void> {
    const { internalTokens, passwords, pipeline } = this.options;
    const facts = await internalTokens.verify('reset-password', token);
    if (!facts) throw new CommandRejected('token-not-valid');
    const { personId, jti: requestId } = facts;
    const passwordHash = await passwords.hash(password);
    const input = { personId, requestId, passwordHash };
    await pipeline.execute({ type: 'identity.ResetPassword', actor: { id: personId }, input });
  }

  /**
   * Hashes a password that was right anew, where its hash is not what today's settings ask for.
   * @returns the revision of the event that holds its hash now
   * @throws {CommandRejected} `stale-version` if it was changed in the meantime
   */
  async renewHash(personId: string, password: string, hash: string, formerRevision: number): Promise<number> {
    const { passwords, pipeline } = this.options;
    if (!passwords.needsRenewal(hash)) return formerRevision;
    const passwordHash = await passwords.hash(password);
    const { revision } = await pipeline.execute({
      type: 'identity.RenewPasswordHash',
      actor: { id: personId },
      input: { personId, passwordHash, formerRevision },
    });
    return revision;
  }

  // Forgetting

  /** Forgets who is logged in, as `forget`. @throws {WrongCredentials} if the password is wrong */
  async forgetOneself(actor: Actor, password: string, address: string): Promise<CommandReply> {
    return this.forget(actor, actor.id, await this.assertPassword(actor.id, password, address));
  }

  /** Forgets a person: their names and address become free, their sessions end, and the key to all that was theirs goes. */
  async forget(actor: Actor, personId: string, passwordRevision?: number): Promise<CommandReply> {
    const { pipeline, reader, reservations } = this.options;
    const [account, profile] = await Promise.all([reader.account(personId), reader.profile(personId)]);
    const { emailRevision } = account.credentials;
    const { usernameRevision } = profile;
    const [email, username] = await Promise.all([reader.email(personId, account), reader.username(personId, profile)]);
    return pipeline.execute({
      type: 'identity.ForgetPerson',
      actor,
      input: {
        personId,
        emailReservation: email === null ? null : reservations.email(email).reservation,
        emailRevision,
        usernameReservation: username === null ? null : reservations.username(username).reservation,
        usernameRevision,
        ...(passwordRevision !== undefined && { passwordRevision }),
      },
    });
  }
}

/** What a mailed link is made from. */
function mailed(lifetimeMs: number): { requestId: string; expiresAt: string } {
  return { requestId: newUuid(), expiresAt: new Date(Date.now() + lifetimeMs).toISOString() };
}
