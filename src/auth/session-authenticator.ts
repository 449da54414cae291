import { type AccountState, account } from '../../domain/identity/account/account.js';
import { liveSession, type SessionState } from '../../domain/identity/account/sessions.js';
import { platformSecurity, platformSecurityId } from '../../domain/identity/platform-security.js';
import { type CommandExecutor, CommandRejected } from '../commands/port.js';
import type { LiveStreams } from '../relay/live-streams.js';
import type { AccessTokens } from './access-tokens.js';
import type { InternalTokens } from './internal-tokens.js';
import { type Authenticator, type Ending, type Session, Unauthenticated, type Whence } from './session.js';

export interface SessionAuthenticatorOptions {
  readonly accessTokens: Pick<AccessTokens, 'verify'>;
  readonly internalTokens: InternalTokens;
  readonly liveStreams: LiveStreams;
  readonly commands: CommandExecutor;
  /** Told when it could not be noted from where a session is used. */
  onError(error: unknown): void;
}

/** Whose session a token is of. */
interface Bearer {
  readonly personId: string;
  readonly sid: string;
}

/** After this long, it is noted again from where a session is used. */
const noteEveryMs = 60 * 60 * 1_000;

/**
 * Tells who is calling. A token's signature and time are looked at by those who made it; here is asked whether its
 * session still lives, of states that are kept current: so a logout or a ban holds at once, in every process.
 */
export class SessionAuthenticator implements Authenticator {
  /** Sessions whose use is being noted. */
  readonly #noting = new Set<string>();

  constructor(private readonly options: SessionAuthenticatorOptions) {}

  async authenticate(accessToken: string, whence?: Whence): Promise<Session> {
    return this.#live(await this.options.accessTokens.verify(accessToken), whence);
  }

  async authenticateCookie(cookie: string, whence?: Whence): Promise<Session> {
    return this.#live(await this.options.internalTokens.verifySession(cookie), whence);
  }

  async authenticateTicket(ticket: string): Promise<Session> {
    const facts = await this.options.internalTokens.verify('ticket', ticket);
    if (!facts) throw new Unauthenticated();
    const { personId, sid, jti, expiresAt } = facts;
    const input = { personId, sessionId: sid, ticketId: jti, expiresAt: new Date(expiresAt).toISOString() };
    await this.options.commands
      .execute({ type: 'identity.UseSocketTicket', actor: { id: personId, session: sid }, input })
      .catch((error: unknown) => {
        throw error instanceof CommandRejected ? new Unauthenticated() : error;
      });
    return this.#live({ personId, sid });
  }

  async check({ actor }: Session): Promise<Session | Ending> {
    const { id: personId, session: sid = '' } = actor;
    const [state, revokedAt] = await Promise.all([
      this.options.liveStreams.current(account, personId),
      this.#sessionsRevokedAt(),
    ]);
    return sessionOf(state, revokedAt, { personId, sid }).outcome;
  }

  onChange(listener: (personId?: string) => void) {
    const { liveStreams } = this.options;
    const ofAccounts = liveStreams.onGrowth(account.category, listener);
    const ofAll = liveStreams.onGrowth(platformSecurity.category, () => listener());
    return {
      unsubscribe() {
        ofAccounts.unsubscribe();
        ofAll.unsubscribe();
      },
    };
  }

  async #live(bearer: Bearer | undefined, whence?: Whence): Promise<Session> {
    if (!bearer) throw new Unauthenticated();
    const { liveStreams } = this.options;
    const state = liveStreams.known(account, bearer.personId) ?? (await liveStreams.current(account, bearer.personId));
    const { outcome, session } = sessionOf(state, await this.#sessionsRevokedAt(), bearer);
    if (typeof outcome === 'string') throw new Unauthenticated();
    if (whence && session && Date.now() - session.seenAt >= noteEveryMs) this.#note(bearer, whence);
    return outcome;
  }

  async #sessionsRevokedAt(): Promise<number> {
    const { liveStreams } = this.options;
    const known = liveStreams.known(platformSecurity, platformSecurityId);
    return (known ?? (await liveStreams.current(platformSecurity, platformSecurityId))).sessionsRevokedAt;
  }

  /** Off the path of the request. */
  #note({ personId, sid }: Bearer, whence: Whence): void {
    if (this.#noting.has(sid)) return;
    this.#noting.add(sid);
    this.options.commands
      .execute({
        type: 'identity.NoteSession',
        actor: { id: personId, session: sid },
        input: { personId, sessionId: sid, ...whence },
      })
      .catch((error: unknown) => this.options.onError(error))
      .finally(() => this.#noting.delete(sid));
  }
}

interface Found {
  readonly outcome: Session | Ending;
  readonly session?: SessionState;
}

function sessionOf({ credentials, sessions }: AccountState, revokedAt: number, { personId, sid }: Bearer): Found {
  if (credentials.status !== 'active') return { outcome: 'deactivated' };
  const kept = Object.hasOwn(sessions.sessions, sid) ? sessions.sessions[sid] : undefined;
  if (!kept || kept.beganAt <= revokedAt) return { outcome: 'ended' };
  const session = liveSession(sessions, sid, Date.now());
  if (!session) return { outcome: 'expired' };
  const actor = { id: personId, session: sid, role: credentials.role };
  return { outcome: { actor, expiresAt: session.expiresAt }, session };
}
