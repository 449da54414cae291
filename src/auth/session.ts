import type { Actor } from '../../domain/decider.js';

/** Who a bearer of credentials is. */
export interface Session {
  readonly actor: Actor;
  /** When the session is over unless it goes on, in ms since 1970. */
  readonly expiresAt: number;
}

/** From where someone calls: told only where it is kept. */
export interface Whence {
  readonly address: string | null;
  readonly userAgent: string | null;
}

export const nowhere: Whence = { address: null, userAgent: null };

/** Why a session is over. */
export type Ending = 'ended' | 'expired' | 'deactivated';

export interface Authenticator {
  /** @throws {Unauthenticated} if the token is not one of ours, has expired, or its session is over */
  authenticate(accessToken: string, whence?: Whence): Promise<Session>;
  /** @throws {Unauthenticated} as `authenticate`, of the session's cookie */
  authenticateCookie(cookie: string, whence?: Whence): Promise<Session>;
  /**
   * Uses up a ticket for one socket.
   * @throws {Unauthenticated} as `authenticate`; also if the ticket was used
   */
  authenticateTicket(ticket: string): Promise<Session>;
  /**
   * What has become of a session that was good before.
   * @throws if the log can't be read
   */
  check(session: Session): Promise<Session | Ending>;
  /** Calls the listener when a person's sessions may have changed; without an id, anyone's. */
  onChange(listener: (personId?: string) => void): { unsubscribe(): void };
}

export class Unauthenticated extends Error {}
