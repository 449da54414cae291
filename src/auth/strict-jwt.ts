import type { KeyObject } from 'node:crypto';
import { errors, jwtVerify } from 'jose';
import { z } from 'zod';

/** Characters of the longest token that is looked at. */
const maxLength = 2_048;

/** Seconds since 1970: how a JWT tells a time. */
export const numericDate = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);

/** What a token must be, beyond well signed. */
export interface ExpectedJwt<Claims> {
  readonly typ: string;
  readonly issuer: string;
  readonly audience: string;
  /** Every claim that the token may have: one with others is not ours. */
  readonly claims: z.ZodType<Claims>;
}

/** None of ours names a key (`jwk`, `jku`, `x5u`), or changes how it is to be read (`b64`, `crit`, `zip`). */
const header = z.strictObject({ alg: z.string(), typ: z.string(), kid: z.string().optional() });
export type JwtHeader = z.infer<typeof header>;

/**
 * Reads a JWT (RFC 7519; compact, RFC 7515) as RFC 8725 advises: a known algorithm and key, one type, issuer and
 * audience, an end. Each token has one spelling, so that none is known under two hashes, and no member comes twice.
 * @param findKey - the key that a token with this header must be signed with, if there may be one; it decides on `alg`
 * @returns the claims; undefined if the token is not such a one, or has expired
 * @throws what `findKey` throws
 */
export async function readJwt<Claims>(
  token: string,
  { typ, issuer, audience, claims }: ExpectedJwt<Claims>,
  findKey: (header: JwtHeader) => KeyObject | undefined | Promise<KeyObject | undefined>,
): Promise<Claims | undefined> {
  const given = readHeader(token);
  if (given?.typ !== typ) return undefined;
  const key = await findKey(given);
  if (!key) return undefined;
  const expected = { algorithms: [given.alg], issuer, audience, requiredClaims: ['exp'] };
  const verified = await jwtVerify(token, key, expected).catch((error: unknown) => {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  });
  return verified && claims.safeParse(verified.payload).data;
}

/** @returns undefined if the token is too long or spelled in another way than ours */
function readHeader(token: string): JwtHeader | undefined {
  if (token.length > maxLength) return undefined;
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  const [first, second, signature] = parts.map((part) => Buffer.from(part, 'base64url')) as [Buffer, Buffer, Buffer];
  if ([first, second, signature].some((bytes, index) => bytes.toString('base64url') !== parts[index])) return undefined;
  const [headerText, payloadText] = [first.toString(), second.toString()];
  if (!isPlainJson(headerText) || !isPlainJson(payloadText)) return undefined;
  return header.safeParse(JSON.parse(headerText)).data;
}

/** Whether it is JSON as `JSON.stringify` writes it: without spaces, and each member once. */
function isPlainJson(text: string): boolean {
  try {
    return JSON.stringify(JSON.parse(text)) === text;
  } catch {
    return false;
  }
}
