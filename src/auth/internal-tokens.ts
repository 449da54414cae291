import { createHash, createSecretKey, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { personId, revision, uuid } from '../../domain/ids.js';
import type { KeyStore } from '../keys/port.js';
import { type ExpectedJwt, numericDate, readJwt } from './strict-jwt.js';

const algorithm = 'HS256';
const issuer = 'parley';
const audience = 'parley-internal';

/** Sessions' cookies come with every request of a browser. */
const maxVerified = 10_000;

/** A session, which cookie and refresh token belong to. */
const sid = uuid;
/** The id under which the log knows the token. */
const jti = uuid;

/**
 * What each kind of token tells, beside whose it is and until when:
 * - `session`: the cookie of a session;
 * - `refresh`: continues a session from this generation of its tokens to the next;
 * - `ticket`: lets a socket into a session;
 * - `challenge`: the password of this revision was right, the second factor is still missing;
 * - `verify-email`, `change-email`, `reset-password`: mailed, shows that its bearer reads what is sent to the address.
 */
const kinds = {
  session: { sid },
  refresh: { sid, generation: z.number().int().nonnegative() },
  ticket: { sid, jti },
  challenge: { passwordRevision: revision },
  'verify-email': { jti },
  'change-email': { jti },
  'reset-password': { jti },
};

export type InternalTokenKind = keyof typeof kinds;
export const internalTokenKinds = Object.keys(kinds) as InternalTokenKind[];

/** What a token of a kind is made from, and tells again. */
export type TokenFacts<Kind extends InternalTokenKind> = {
  readonly personId: string;
  /** In ms since 1970; a token tells it in whole seconds. */
  readonly expiresAt: number;
} & { readonly [Name in keyof (typeof kinds)[Kind]]: z.infer<(typeof kinds)[Kind][Name] & z.ZodType> };

interface Claims {
  readonly sub: string;
  readonly exp: number;
  readonly [name: string]: unknown;
}

function typOf(kind: InternalTokenKind): string {
  return `${kind}+jwt`;
}

function expected(kind: InternalTokenKind): ExpectedJwt<Claims> {
  const claims = z.strictObject({
    sub: personId,
    ...kinds[kind],
    iss: z.string(),
    aud: z.string(),
    exp: numericDate,
  });
  return { typ: typOf(kind), issuer, audience, claims };
}

const expectations = new Map(internalTokenKinds.map((kind) => [kind, expected(kind)]));

/**
 * Tokens that only this system reads: JWTs under a secret of the key store, each kind with a type of its own. They are
 * made of facts alone, so that the same facts always make the very same token: none needs to be kept anywhere.
 */
export class InternalTokens {
  readonly #key: KeyObject;
  readonly #sessions = new LRUCache<string, TokenFacts<'session'>>({ max: maxVerified });

  /** @param secret - 32 bytes */
  constructor(secret: Buffer) {
    this.#key = createSecretKey(secret);
  }

  static async open(keys: Pick<KeyStore, 'secret'>): Promise<InternalTokens> {
    return new InternalTokens(await keys.secret('tokens'));
  }

  async issue<Kind extends InternalTokenKind>(kind: Kind, facts: TokenFacts<Kind>): Promise<string> {
    const { personId: sub, expiresAt, ...others } = facts;
    // In the order of `kinds`, so that the order of the facts makes no difference.
    const own = Object.keys(kinds[kind]).map((name) => [name, others[name as keyof typeof others]]);
    const claims: Claims = { sub, ...Object.fromEntries(own), iss: issuer, aud: audience, exp: toSeconds(expiresAt) };
    return new SignJWT(claims).setProtectedHeader({ alg: algorithm, typ: typOf(kind) }).sign(this.#key);
  }

  /** @returns what the token was made from; undefined if it is not one of ours, not of this kind, or has expired */
  async verify<Kind extends InternalTokenKind>(kind: Kind, token: string): Promise<TokenFacts<Kind> | undefined> {
    const claims = await readJwt(token, expectations.get(kind) as ExpectedJwt<Claims>, ({ alg }) =>
      alg === algorithm ? this.#key : undefined,
    );
    if (!claims) return undefined;
    const { sub, exp, iss: _issuer, aud: _audience, ...own } = claims;
    return { personId: sub, expiresAt: exp * 1_000, ...own } as TokenFacts<Kind>;
  }

  /** As `verify` of a session's token, which it remembers: that comes with every request. */
  async verifySession(token: string): Promise<TokenFacts<'session'> | undefined> {
    const known = this.#sessions.get(token);
    if (known && known.expiresAt > Date.now()) return known;
    const facts = await this.verify('session', token);
    if (facts) this.#sessions.set(token, facts);
    return facts;
  }
}

function toSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1_000);
}

/** What the log keeps of a token that was mailed: its SHA-256 (FIPS 180-4) in base64url. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
