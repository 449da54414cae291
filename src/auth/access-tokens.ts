import { randomUUID } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import { LRUCache } from 'lru-cache';
import { type Session, Unauthenticated } from './session.js';

const algorithm = 'HS256';
const tokenType = 'at+jwt';
const issuer = 'parley';
const audience = 'parley';
const lifetimeMs = 60 * 60 * 1_000;
const maxTokenLength = 2_048;

export interface IssuedToken {
  readonly accessToken: string;
  /** ISO 8601. */
  readonly expiresAt: string;
}

/** Access tokens: JWTs that this server signs and only it accepts, valid for an hour. */
export class AccessTokens {
  readonly #key: Uint8Array;
  /** Tokens whose signature was found good: most requests come with one that was seen before. */
  readonly #verified = new LRUCache<string, Session>({ max: 10_000 });

  constructor(secret: string) {
    this.#key = new TextEncoder().encode(secret);
  }

  /** Begins a session. */
  async issue(personId: string): Promise<IssuedToken> {
    const now = Date.now();
    const expiry = Math.floor((now + lifetimeMs) / 1_000);
    const accessToken = await new SignJWT({ sid: randomUUID() })
      .setProtectedHeader({ alg: algorithm, typ: tokenType })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(personId)
      .setIssuedAt(Math.floor(now / 1_000))
      .setExpirationTime(expiry)
      .sign(this.#key);
    return { accessToken, expiresAt: new Date(expiry * 1_000).toISOString() };
  }

  /** @throws {Unauthenticated} if the token is not one of ours or has expired */
  async authenticate(accessToken: string): Promise<Session> {
    const known = this.#verified.get(accessToken);
    if (known) {
      if (known.expiresAt > Date.now()) return known;
      this.#verified.delete(accessToken);
      throw new Unauthenticated();
    }
    const session = await this.#verify(accessToken);
    this.#verified.set(accessToken, session);
    return session;
  }

  async #verify(accessToken: string): Promise<Session> {
    if (accessToken.length > maxTokenLength) throw new Unauthenticated();
    const { payload } = await jwtVerify(accessToken, this.#key, {
      algorithms: [algorithm],
      typ: tokenType,
      issuer,
      audience,
      requiredClaims: ['sub', 'exp', 'iat', 'sid'],
    }).catch(() => {
      throw new Unauthenticated();
    });
    const { sub, sid, exp } = payload;
    if (typeof sub !== 'string' || typeof sid !== 'string' || typeof exp !== 'number') throw new Unauthenticated();
    return { actor: { id: sub, session: sid }, expiresAt: exp * 1_000 };
  }
}
