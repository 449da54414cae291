import { createHmac, generateKeyPairSync } from 'node:crypto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { AccessTokens } from '../../src/auth/access-tokens.js';
import { Unauthenticated } from '../../src/auth/session.js';

const secret = 'a secret of the tests that is long enough';
const key = new TextEncoder().encode(secret);
const now = () => Math.floor(Date.now() / 1_000);

let tokens: AccessTokens;
beforeEach(() => {
  tokens = new AccessTokens(secret);
});

const goodHeader = { alg: 'HS256', typ: 'at+jwt' };
const goodClaims = () => ({ iss: 'parley', aud: 'parley', sub: 'ann', sid: 'session', iat: now(), exp: now() + 60 });

/** A token of any header and payload, signed as HS256 with our own secret. */
function forge(header: object, payload: unknown, signingKey: string | Uint8Array = key, hash = 'sha256'): string {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${encode(header)}.${encode(payload)}`;
  return `${signed}.${createHmac(hash, signingKey).update(signed).digest('base64url')}`;
}

describe('an access token', () => {
  it('is known again, as whose it is and until when', async () => {
    const { accessToken, expiresAt } = await tokens.issue('ann');
    const session = await tokens.authenticate(accessToken);
    expect(session).toEqual({ actor: { id: 'ann', session: expect.any(String) }, expiresAt: Date.parse(expiresAt) });
    expect(await tokens.authenticate(accessToken)).toEqual(session);
    expect(await new AccessTokens(secret).authenticate(accessToken)).toEqual(session);
  });

  it('begins a session of its own each time', async () => {
    const sessions = await Promise.all(
      [1, 2].map(async () => tokens.authenticate((await tokens.issue('ann')).accessToken)),
    );
    expect(sessions[0]?.actor.session).not.toBe(sessions[1]?.actor.session);
  });

  it('can be forged by the tests, so that what they change is what is refused', async () => {
    expect((await tokens.authenticate(forge(goodHeader, goodClaims()))).actor.id).toBe('ann');
  });

  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const without = (name: string) => () => {
    const { [name]: _, ...claims } = goodClaims() as Record<string, unknown>;
    return forge(goodHeader, claims);
  };
  it.each<[string, () => string | Promise<string>]>([
    ['nothing', () => ''],
    ['three dots', () => '...'],
    ['no signature', () => forge(goodHeader, goodClaims()).replace(/[^.]+$/, '')],
    ['another secret', () => forge(goodHeader, goodClaims(), 'another secret of the tests, as long')],
    ['alg none', () => forge({ ...goodHeader, alg: 'none' }, goodClaims())],
    ['alg none, unsigned', () => `${forge({ ...goodHeader, alg: 'none' }, goodClaims()).replace(/[^.]+$/, '')}`],
    ['another HMAC', () => forge({ ...goodHeader, alg: 'HS512' }, goodClaims(), key, 'sha512')],
    ['RS256 with our secret', () => forge({ ...goodHeader, alg: 'RS256' }, goodClaims())],
    [
      'a public key as the secret',
      () => forge(goodHeader, goodClaims(), publicKey.export({ type: 'spki', format: 'pem' }) as string),
    ],
    [
      'a key of its own in the header',
      () => forge({ ...goodHeader, jwk: { kty: 'oct', k: 'AAAA' } }, goodClaims(), Buffer.from('AAAA', 'base64url')),
    ],
    ['an unknown critical header', () => forge({ ...goodHeader, crit: ['x'], x: 1 }, goodClaims())],
    ['no type', () => forge({ alg: 'HS256' }, goodClaims())],
    ['the type of another token', () => forge({ ...goodHeader, typ: 'JWT' }, goodClaims())],
    ['another issuer', () => forge(goodHeader, { ...goodClaims(), iss: 'elsewhere' })],
    ['another audience', () => forge(goodHeader, { ...goodClaims(), aud: 'elsewhere' })],
    ['no end', without('exp')],
    ['no subject', without('sub')],
    ['no session', without('sid')],
    ['no issuer', without('iss')],
    ['no audience', without('aud')],
    ['a subject that is an object', () => forge(goodHeader, { ...goodClaims(), sub: { $ne: null } })],
    ['a session that is a number', () => forge(goodHeader, { ...goodClaims(), sid: 7 })],
    ['an end in the past', () => forge(goodHeader, { ...goodClaims(), exp: now() - 1 })],
    ['an end that is text', () => forge(goodHeader, { ...goodClaims(), exp: '9999999999' })],
    ['a beginning in the future', () => forge(goodHeader, { ...goodClaims(), nbf: now() + 60 })],
    ['a payload that is no object', () => forge(goodHeader, 'ann')],
    ['a payload that is an array', () => forge(goodHeader, [])],
    ['3,000 characters', () => forge(goodHeader, { ...goodClaims(), padding: 'a'.repeat(3_000) })],
  ])('is refused with %s', async (_what, make) => {
    await expect(tokens.authenticate(await make())).rejects.toThrow(Unauthenticated);
  });

  it('that was good is refused once it has expired', async () => {
    const { accessToken } = await tokens.issue('ann');
    await tokens.authenticate(accessToken);
    vi.useFakeTimers({ now: Date.now() + 3_600_001 });
    try {
      await expect(tokens.authenticate(accessToken)).rejects.toThrow(Unauthenticated);
      await expect(tokens.authenticate(accessToken)).rejects.toThrow(Unauthenticated);
    } finally {
      vi.useRealTimers();
    }
  });
});
