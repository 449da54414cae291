import type { Actor } from '../../domain/decider.js';
import { type AccountState, account } from '../../domain/identity/account/account.js';
import { liveSession, type SessionState } from '../../domain/identity/account/sessions.js';
import { platformSecurity, platformSecurityId } from '../../domain/identity/platform-security.js';
import { newUuid } from '../commands/new-id.js';
import { type CommandPipeline, CommandRejected } from '../commands/port.js';
import type { LiveStreams } from '../relay/live-streams.js';
import type { AccessTokens } from './access-tokens.js';
import type { AccountReader, User } from './account-reader.js';
import type { InternalTokens } from './internal-tokens.js';
import { Unauthenticated, type Whence } from './session.js';

/** How long a session goes on without being refreshed, in ms: 30 days. */
const sessionLifetimeMs = 30 * 24 * 60 * 60 * 1_000;
/** How long a browser's cookie is good, in ms: 7 days. */
export const cookieLifetimeMs = 7 * 24 * 60 * 60 * 1_000;
/** How long a socket's ticket is good, in ms. */
const ticketLifetimeMs = 30_000;

/** What a client gets to use a session with. */
export interface Credentials {
  readonly user: User;
  readonly accessToken: string;
  readonly refreshToken: string;
  /** The session's cookie. */
  readonly cookie: string;
  /** Lifetime of the access token, in seconds. */
  readonly expiresIn: number;
  /** When the access token expires, ISO 8601. */
  readonly expiresAt: string;
}

export interface SessionsOptions {
  readonly pipeline: Pick<CommandPipeline, 'execute'>;
  readonly reader: AccountReader;
  readonly liveStreams: LiveStreams;
  readonly accessTokens: AccessTokens;
  readonly internalTokens: InternalTokens;
}

/** What a second factor has shown: the step of a code that fits, or a recovery code by its hash. */
export type SecondFactorProof = { readonly totpStep: number } | { readonly codeHash: string };

/** How someone has shown who they are. */
export interface Proof {
  /** The event that holds the password's hash that was compared with; none at a registration. */
  readonly passwordRevision?: number;
  readonly secondFactor?: SecondFactorProof;
  readonly verifiedEmailOnly: boolean;
}

/** Begins sessions, goes on with them, and ends them. */
export class Sessions {
  constructor(private readonly options: SessionsOptions) {}

  /** @throws {CommandRejected} if the account may not be used, or more is asked for than was shown */
  async begin(personId: string, proof: Proof, whence: Whence): Promise<Credentials> {
    const { liveStreams, pipeline } = this.options;
    const sessionId = newUuid();
    const { sessionsRevokedAt } = await liveStreams.latest(platformSecurity, platformSecurityId);
    await pipeline.execute({
      type: 'identity.BeginSession',
      actor: { id: personId, session: sessionId },
      input: { personId, sessionId, expiresAt: fromNow(sessionLifetimeMs), ...proof, ...whence },
      // It begins after the others were revoked, even if the clock was set back since.
      occurredAt: Math.max(Date.now(), sessionsRevokedAt + 1),
    });
    return this.#credentials(personId, sessionId);
  }

  /**
   * Exchanges a refresh token for its successor; the same one again for a short while, since an answer may be lost.
   * @throws {Unauthenticated} if the token is not one of ours or has expired
   * @throws {CommandRejected} `session-ended`, also where it ends now since the token was used before
   */
  async refresh(refreshToken: string, whence: Whence): Promise<Credentials> {
    const facts = await this.options.internalTokens.verify('refresh', refreshToken);
    if (!facts) throw new Unauthenticated();
    const { personId, sid: sessionId, generation } = facts;
    await this.options.pipeline.execute({
      type: 'identity.RefreshSession',
      actor: { id: personId, session: sessionId },
      input: { personId, sessionId, generation, expiresAt: fromNow(sessionLifetimeMs), ...whence },
    });
    return this.#credentials(personId, sessionId);
  }

  /** Ends the actor's own session. */
  async logOut(actor: Actor): Promise<void> {
    await this.end(actor, actor.id, actor.session as string);
  }

  /** Ends all sessions of a person. */
  async endAll(actor: Actor, personId: string): Promise<void> {
    await this.options.pipeline.execute({ type: 'identity.EndSessions', actor, input: { personId } });
  }

  async end(actor: Actor, personId: string, sessionId: string): Promise<void> {
    await this.options.pipeline.execute({ type: 'identity.EndSession', actor, input: { personId, sessionId } });
  }

  /** Lets one socket in, soon. */
  async ticket({ id: personId, session: sid = '' }: Actor): Promise<{ ticket: string; expiresIn: number }> {
    const expiresAt = Date.now() + ticketLifetimeMs;
    const ticket = await this.options.internalTokens.issue('ticket', { personId, sid, jti: newUuid(), expiresAt });
    return { ticket, expiresIn: ticketLifetimeMs / 1_000 };
  }

  async #credentials(personId: string, sid: string): Promise<Credentials> {
    const { accessTokens, internalTokens, reader } = this.options;
    const { generation, expiresAt: sessionExpiry } = await this.#session(personId, sid);
    const user = await reader.user(personId);
    const [{ accessToken, expiresAt, expiresIn }, refreshToken, cookie] = await Promise.all([
      accessTokens.issue({ personId, sid, name: user.name ?? '', role: user.role }),
      internalTokens.issue('refresh', { personId, sid, generation, expiresAt: sessionExpiry }),
      internalTokens.issue('session', { personId, sid, expiresAt: Date.now() + cookieLifetimeMs }),
    ]);
    return { user, accessToken, refreshToken, cookie, expiresIn, expiresAt };
  }

  async #session(personId: string, sid: string): Promise<SessionState> {
    const { liveStreams } = this.options;
    const { sessionsRevokedAt } = await liveStreams.latest(platformSecurity, platformSecurityId);
    const { sessions }: AccountState = await liveStreams.latest(account, personId);
    const session = liveSession(sessions, sid, Date.now());
    if (!session || session.beganAt <= sessionsRevokedAt) throw new CommandRejected('session-ended');
    return session;
  }
}

function fromNow(ms: number): string {
  return new Date(Date.now() + ms).toISOString();
}
