import type { Session } from './routes.js';

type Tokens = Pick<Session, 'accessToken' | 'refreshToken' | 'expiresAt'>;

/** An access token that is about to expire is not used any more, in ms. */
const marginMs = 60_000;

/** Holds the tokens of a session, and exchanges them for new ones in time. */
export class TokenHolder {
  #tokens: Tokens | undefined;
  #refreshing: Promise<string> | undefined;

  /** @param given - an access token that is renewed elsewhere */
  constructor(
    private given: string | undefined,
    private readonly refresh: (refreshToken: string) => Promise<Session>,
  ) {}

  hold(session: Tokens): void {
    this.#tokens = session;
  }

  forget(): void {
    this.#tokens = undefined;
    this.given = undefined;
  }

  /** @throws {Error} if there is none; as the refreshing throws, if that is due */
  async accessToken(): Promise<string> {
    if (!this.#tokens) {
      if (this.given === undefined) throw new Error('not logged in');
      return this.given;
    }
    const { accessToken, expiresAt, refreshToken } = this.#tokens;
    if (Date.parse(expiresAt) - Date.now() > marginMs) return accessToken;
    this.#refreshing ??= this.#exchange(refreshToken).finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #exchange(refreshToken: string): Promise<string> {
    const session = await this.refresh(refreshToken);
    this.#tokens = session;
    return session.accessToken;
  }
}
