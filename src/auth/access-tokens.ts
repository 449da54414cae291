import { createSecretKey, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { personId, uuid } from '../../domain/ids.js';
import { type PlatformRole, platformRoles } from '../../domain/permissions.js';
import { accessTokenLifetimeMs, type PublishedKey, type SigningKeys } from './signing-keys.js';
import { type ExpectedJwt, type JwtHeader, numericDate, readJwt } from './strict-jwt.js';

/** RFC 9068 */
const typ = 'at+jwt';
const asymmetric = 'EdDSA';
const symmetric = 'HS256';

/** Who logged in, as a token tells it. */
export interface TokenHolder {
  readonly personId: string;
  /** The session. */
  readonly sid: string;
  readonly name: string;
  /** Their platform role when the token was issued. */
  readonly role: PlatformRole;
}

export interface VerifiedToken extends TokenHolder {
  /** In ms since 1970. */
  readonly expiresAt: number;
}

export interface IssuedToken {
  readonly accessToken: string;
  /** In seconds. */
  readonly expiresIn: number;
  /** ISO 8601. */
  readonly expiresAt: string;
}

interface Claims {
  readonly sub: string;
  readonly sid: string;
  readonly name: string;
  readonly role: PlatformRole;
  readonly iss: string;
  readonly aud: string;
  readonly iat: number;
  readonly exp: number;
}

export interface AccessTokensOptions {
  readonly signingKeys: SigningKeys;
  /** Signs the tokens where it is set, and others who have it verify them. */
  readonly sharedSecret: string | undefined;
  readonly issuer: string;
  readonly audience: string;
}

/** Most requests come with a token that was seen before. */
const maxVerified = 10_000;

/**
 * Access tokens: JWTs valid for an hour, with which people call this server, and which other services verify by its
 * published keys, or by a secret that they share with it.
 */
export class AccessTokens {
  readonly #signingKeys: SigningKeys;
  readonly #sharedKey: KeyObject | undefined;
  readonly #expected: ExpectedJwt<Claims>;
  readonly #verified = new LRUCache<string, VerifiedToken>({ max: maxVerified });

  constructor({ signingKeys, sharedSecret, issuer, audience }: AccessTokensOptions) {
    this.#signingKeys = signingKeys;
    this.#sharedKey = sharedSecret === undefined ? undefined : createSecretKey(sharedSecret, 'utf8');
    const claims = z.strictObject({
      sub: personId,
      sid: uuid,
      name: z.string(),
      role: z.enum(platformRoles),
      iss: z.string(),
      aud: z.string(),
      iat: numericDate,
      exp: numericDate,
    });
    this.#expected = { typ, issuer, audience, claims };
  }

  async issue({ personId, sid, name, role }: TokenHolder): Promise<IssuedToken> {
    const { issuer: iss, audience: aud } = this.#expected;
    const iat = Math.floor(Date.now() / 1_000);
    const expiresIn = accessTokenLifetimeMs / 1_000;
    const exp = iat + expiresIn;
    const claims: Claims = { sub: personId, sid, name, role, iss, aud, iat, exp };
    const accessToken = await this.#sign(new SignJWT({ ...claims }));
    return { accessToken, expiresIn, expiresAt: new Date(exp * 1_000).toISOString() };
  }

  async #sign(token: SignJWT): Promise<string> {
    if (this.#sharedKey) return token.setProtectedHeader({ alg: symmetric, typ }).sign(this.#sharedKey);
    const { kid, privateKey } = await this.#signingKeys.signing();
    return token.setProtectedHeader({ alg: asymmetric, typ, kid }).sign(privateKey);
  }

  /** @returns what the token tells; undefined if it is not one of ours, or has expired */
  async verify(accessToken: string): Promise<VerifiedToken | undefined> {
    const known = this.#verified.get(accessToken);
    if (known) return known.expiresAt > Date.now() ? known : undefined;
    const claims = await readJwt(accessToken, this.#expected, (header) => this.#keyOf(header));
    if (!claims) return undefined;
    const { sub, sid, name, role, exp } = claims;
    const verified = { personId: sub, sid, name, role, expiresAt: exp * 1_000 };
    this.#verified.set(accessToken, verified);
    return verified;
  }

  /** What a key may be used for is decided by us, not by the token: a public key is never a secret. */
  #keyOf({ alg, kid }: JwtHeader): KeyObject | undefined | Promise<KeyObject | undefined> {
    if (alg === symmetric && kid === undefined) return this.#sharedKey;
    if (alg === asymmetric && kid !== undefined) return this.#signingKeys.verifying(kid);
    return undefined;
  }

  /** The keys by which others verify the tokens; none where they are signed with a shared secret alone. */
  async publishedKeys(): Promise<PublishedKey[]> {
    return this.#signingKeys.published();
  }
}
