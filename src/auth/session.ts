import type { Actor } from '../../domain/decider.js';

/** Who a bearer of credentials is, until when. */
export interface Session {
  readonly actor: Actor;
  /** In ms since 1970. */
  readonly expiresAt: number;
}

export interface Authenticator {
  /** @throws {Unauthenticated} if the token is not one of ours, has expired or was revoked */
  authenticate(accessToken: string): Promise<Session>;
  /**
   * @param value - of the session's cookie
   * @throws {Unauthenticated} as `authenticate`
   */
  authenticateCookie(value: string): Promise<Session>;
}

export class Unauthenticated extends Error {}
