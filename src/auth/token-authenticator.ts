import type { AccessTokens } from './access-tokens.js';
import type { InternalTokens } from './internal-tokens.js';
import { type Authenticator, type Session, Unauthenticated } from './session.js';

/** Knows bearers by what their tokens say. */
export class TokenAuthenticator implements Authenticator {
  constructor(
    private readonly accessTokens: AccessTokens,
    private readonly internalTokens: InternalTokens,
  ) {}

  authenticate(accessToken: string): Promise<Session> {
    return this.accessTokens.authenticate(accessToken);
  }

  async authenticateCookie(value: string): Promise<Session> {
    const facts = await this.internalTokens.verifySession(value);
    if (!facts) throw new Unauthenticated();
    return { actor: { id: facts.personId, session: facts.sid }, expiresAt: facts.expiresAt };
  }
}
