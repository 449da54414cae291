import type { RejectionCode } from '../../domain/rejections.js';
import { CommandRejected } from '../commands/port.js';
import type { AccountReader } from './account-reader.js';
import type { InternalTokens } from './internal-tokens.js';
import type { Passwords } from './passwords.js';
import type { SecondFactors } from './second-factors.js';
import type { Whence } from './session.js';
import { Unauthenticated } from './session.js';
import type { Credentials, Sessions } from './sessions.js';
import type { Attempt, SignInFailures } from './sign-in-failures.js';
import { SecondFactorRequired, WrongCredentials } from './wrong-credentials.js';

export interface SignInsOptions {
  readonly reader: AccountReader;
  readonly passwords: Passwords;
  readonly secondFactors: SecondFactors;
  readonly sessions: Sessions;
  readonly internalTokens: InternalTokens;
  readonly failures: SignInFailures;
  /** Has a password that was right hashed anew, where the hash is an old one. @returns the revision of its hash now */
  renewHash(personId: string, password: string, hash: string, revision: number): Promise<number>;
  /** Only those log in whose e-mail address is verified. */
  readonly verifiedEmailOnly: boolean;
}

export interface SignIn {
  /** An e-mail address or a user name. */
  readonly login: string;
  readonly password: string;
  /** Of the authenticator app, or a recovery code. */
  readonly code?: string | undefined;
}

/** How long the second factor may be given after the password, in ms. */
const challengeLifetimeMs = 5 * 60 * 1_000;

/** How often a password is compared that is being changed at the same time. */
const maxTries = 3;

/** Logs people in. */
export class SignIns {
  constructor(private readonly options: SignInsOptions) {}

  /**
   * @throws {WrongCredentials} whether it is the login or the password that is wrong; both take as long
   * @throws {SecondFactorRequired}
   * @throws {RateLimited} before anything is compared
   * @throws {QueueFull} if too many passwords are being compared
   * @throws {CommandRejected} if the account may not be used; told only to those who know the password
   */
  async signIn(given: SignIn, whence: Whence): Promise<Credentials> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#signIn(given, whence);
      } catch (error) {
        if (!hasCode(error, 'stale-version') || tries === maxTries) throw error;
      }
    }
  }

  async #signIn({ login, password, code }: SignIn, whence: Whence): Promise<Credentials> {
    const { reader, passwords, failures } = this.options;
    const personId = await reader.ownerOf(login);
    const attempt = { account: personId ?? login.trim().toLowerCase(), personId, address: addressOf(whence) };
    await failures.assertAllowed(attempt);
    const account = personId === undefined ? undefined : await reader.account(personId);
    // Told before anything is awaited: the password may be changed while this one is compared with the former.
    const passwordRevision = account?.credentials.passwordRevision;
    const hash = personId && account ? await reader.passwordHash(personId, account) : undefined;
    const matches = await passwords.matches(password, hash);
    if (!matches || personId === undefined || passwordRevision === undefined) return this.#fail(attempt);
    const renewed = await this.options.renewHash(personId, password, hash as string, passwordRevision);
    return this.#proceed(attempt, renewed, code, whence);
  }

  /** Who has to answer this challenge; undefined if it is no good. */
  async challenged(challenge: string): Promise<string | undefined> {
    return (await this.options.internalTokens.verify('challenge', challenge))?.personId;
  }

  /** Gives the second factor that a sign-in asked for. @throws as `signIn`; {Unauthenticated} if the challenge is no good */
  async answerChallenge(challenge: string, code: string, whence: Whence): Promise<Credentials> {
    const facts = await this.options.internalTokens.verify('challenge', challenge);
    if (!facts) throw new Unauthenticated();
    const { personId, passwordRevision } = facts;
    const attempt = { account: personId, personId, address: addressOf(whence) };
    await this.options.failures.assertAllowed(attempt);
    const { credentials } = await this.options.reader.account(personId);
    if (credentials.passwordRevision !== passwordRevision) throw new Unauthenticated();
    return this.#proceed(attempt, passwordRevision, code, whence);
  }

  /** The password of this revision was right. */
  async #proceed(
    attempt: Attempt,
    passwordRevision: number,
    code: string | undefined,
    whence: Whence,
  ): Promise<Credentials> {
    const { reader, secondFactors, sessions, failures, verifiedEmailOnly } = this.options;
    const personId = attempt.personId as string;
    const proof = { passwordRevision, verifiedEmailOnly };
    const account = await reader.account(personId);
    if (account.secondFactor.totpRevision === undefined || account.credentials.status !== 'active') {
      const credentials = await sessions.begin(personId, proof, whence);
      await failures.clear(attempt.account);
      return credentials;
    }
    if (code === undefined) throw await this.#challenge(personId, passwordRevision);
    const secondFactor = await secondFactors.match(personId, account, code);
    if (!secondFactor) return this.#fail(attempt);
    const credentials = await sessions
      .begin(personId, { ...proof, secondFactor }, whence)
      .catch((error: unknown) => (hasCode(error, 'wrong-code') ? this.#fail(attempt) : Promise.reject(error)));
    await failures.clear(attempt.account);
    return credentials;
  }

  async #challenge(personId: string, passwordRevision: number): Promise<SecondFactorRequired> {
    const expiresAt = Date.now() + challengeLifetimeMs;
    return new SecondFactorRequired(
      await this.options.internalTokens.issue('challenge', { personId, passwordRevision, expiresAt }),
    );
  }

  async #fail(attempt: Attempt): Promise<never> {
    await this.options.failures.record(attempt);
    throw new WrongCredentials();
  }
}

function addressOf({ address }: Whence): string {
  return address ?? 'unknown';
}

function hasCode(error: unknown, code: RejectionCode): boolean {
  return error instanceof CommandRejected && error.code === code;
}
