import { createHmac, generateKeyPairSync, type KeyObject, randomUUID, sign as signBytes } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { AccessTokens, type TokenHolder } from '../../src/auth/access-tokens.js';
import { InternalTokens, internalTokenKinds } from '../../src/auth/internal-tokens.js';
import { SigningKeys } from '../../src/auth/signing-keys.js';
import { memoryKeys } from '../../src/keys/memory.js';
import { TestKeyring } from '../fixtures/signing-keyring.js';

const sharedSecret = 'a secret of the tests that is long enough';
const kid = randomUUID();
const keys = memoryKeys();
const keyring = new TestKeyring([{ kid, introducedAt: Date.now() }]);
const issuer = 'https://talk.example.org';
const audience = 'parley';
const ann: TokenHolder = { personId: randomUUID(), sid: randomUUID(), name: 'Ann Lée 😀', role: 'moderator' };
const now = () => Math.floor(Date.now() / 1_000);

function tokensOf(over: { sharedSecret?: string; issuer?: string; audience?: string } = {}): AccessTokens {
  return new AccessTokens({
    signingKeys: new SigningKeys(keyring, keys),
    sharedSecret: undefined,
    issuer,
    audience,
    ...over,
  });
}

const encode = (text: string) => Buffer.from(text).toString('base64url');
const hmac =
  (secret: string | Buffer, hash = 'sha256') =>
  (signed: string) =>
    createHmac(hash, secret).update(signed).digest('base64url');
const eddsa = (key: KeyObject) => (signed: string) => signBytes(null, Buffer.from(signed), key).toString('base64url');

/** A token of any header and payload, signed in any way. */
function sign(header: string, payload: string, how: (signed: string) => string): string {
  const signed = `${encode(header)}.${encode(payload)}`;
  return `${signed}.${how(signed)}`;
}

const claims = () => ({
  sub: ann.personId,
  sid: ann.sid,
  name: ann.name,
  role: ann.role,
  iss: issuer,
  aud: audience,
  iat: now(),
  exp: now() + 60,
});

afterEach(() => {
  vi.useRealTimers();
});

describe.each([
  ['signed with a key of ours', undefined],
  ['signed with the shared secret', sharedSecret],
])('an access token, %s', (_how, secret) => {
  const tokens = tokensOf(secret === undefined ? {} : { sharedSecret: secret });

  it('tells who holds it, until when', async () => {
    const { accessToken, expiresIn, expiresAt } = await tokens.issue(ann);
    const verified = await tokens.verify(accessToken);
    expect(verified).toEqual({ ...ann, expiresAt: Date.parse(expiresAt) });
    expect(expiresIn).toBe(3_600);
    expect(Date.parse(expiresAt)).toBe((now() + 3_600) * 1_000);
    expect(await tokens.verify(accessToken)).toEqual(verified);
  });

  it('is good in every process that has the keys', async () => {
    const { accessToken } = await tokens.issue(ann);
    expect(await tokensOf({ sharedSecret }).verify(accessToken)).toMatchObject(ann);
  });

  it('has an end, also where it was seen before', async () => {
    const { accessToken } = await tokens.issue(ann);
    expect(await tokens.verify(accessToken)).toBeDefined();
    vi.useFakeTimers({ now: Date.now() + 3_601_000 });
    expect(await tokens.verify(accessToken)).toBeUndefined();
    expect(await tokensOf({ sharedSecret }).verify(accessToken)).toBeUndefined();
  });

  it('is that of one issuer, for one audience', async () => {
    const { accessToken } = await tokens.issue(ann);
    expect(await tokensOf({ sharedSecret, issuer: 'https://talk.example.com' }).verify(accessToken)).toBeUndefined();
    expect(await tokensOf({ sharedSecret, audience: 'others' }).verify(accessToken)).toBeUndefined();
  });

  it.each(internalTokenKinds)('is not a token that only this system reads: %s', async (kind) => {
    const internal = new InternalTokens(await keys.secret('tokens'));
    const facts = {
      personId: ann.personId,
      sid: ann.sid,
      generation: 0,
      jti: randomUUID(),
      passwordRevision: 0,
      expiresAt: (now() + 60) * 1_000,
    };
    const { accessToken } = await tokens.issue(ann);
    expect(await internal.verify(kind, accessToken)).toBeUndefined();
    const token = await internal.issue(kind, facts);
    expect(await internal.verify(kind, token)).toBeDefined();
    expect(await tokens.verify(token)).toBeUndefined();
  });
});

describe('with the shared secret', () => {
  it('tokens of the keys before it are still good, and without it those of the secret are none', async () => {
    const before = (await tokensOf().issue(ann)).accessToken;
    const under = (await tokensOf({ sharedSecret }).issue(ann)).accessToken;
    expect(await tokensOf({ sharedSecret }).verify(before)).toMatchObject(ann);
    expect(await tokensOf().verify(under)).toBeUndefined();
  });
});

/** What each kind of signature makes of a header and claims. */
const signers = await (async () => {
  const { privateKey } = await new SigningKeys(keyring, keys).signing();
  return {
    EdDSA: { header: { alg: 'EdDSA', typ: 'at+jwt', kid }, how: eddsa(privateKey) },
    HS256: { header: { alg: 'HS256', typ: 'at+jwt' }, how: hmac(sharedSecret) },
  };
})();
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const elsewhere = generateKeyPairSync('ed25519');

describe.each(Object.entries(signers))('an access token under %s', (alg, { header: goodHeader, how }) => {
  const tokens = tokensOf({ sharedSecret });
  const forge = (header: object, payload: unknown, otherwise = how) =>
    sign(JSON.stringify(header), JSON.stringify(payload), otherwise);
  const good = () => forge(goodHeader, claims());
  const withHeader = (over: object, otherwise?: (signed: string) => string) => () =>
    forge({ ...goodHeader, ...over }, claims(), otherwise);
  const withClaims = (over: object) => () => forge(goodHeader, { ...claims(), ...over });
  const raw = (payload: string) => () => sign(JSON.stringify(goodHeader), payload, how);

  it('can be forged by the tests, so that what they change is what is refused', async () => {
    expect(await tokens.verify(good())).toMatchObject(ann);
  });

  it.each<[string, () => string]>([
    ['nothing', () => ''],
    ['two dots', () => '..'],
    ['one part', () => good().split('.')[1] as string],
    ['four parts', () => `${good()}.${encode('{}')}`],
    ['five parts, as an encrypted one has', () => `${good()}.${encode('{}')}.${encode('{}')}`],
    ['its end cut off', () => good().slice(0, -1)],
    ['its payload cut off', () => good().replace(/\.[^.]{9}/, '.')],
    ['no signature', () => good().replace(/[^.]+$/, '')],
    [
      'a signature of zeros',
      () => good().replace(/[^.]+$/, (text) => encode('\0'.repeat(Buffer.from(text, 'base64url').length))),
    ],
    [
      'a changed payload',
      () => good().replace(/\.[^.]+\./, `.${encode(JSON.stringify({ ...claims(), role: 'admin' }))}.`),
    ],
    [
      'another signature',
      () =>
        forge(
          goodHeader,
          claims(),
          alg === 'HS256' ? hmac('another secret of the tests') : eddsa(elsewhere.privateKey),
        ),
    ],
    ['alg none', withHeader({ alg: 'none' })],
    ['alg none, unsigned', () => withHeader({ alg: 'none' })().replace(/[^.]+$/, '')],
    ['alg None, unsigned', () => withHeader({ alg: 'None' })().replace(/[^.]+$/, '')],
    ['no algorithm', withHeader({ alg: undefined })],
    ['another HMAC', withHeader({ alg: 'HS512' }, hmac(sharedSecret, 'sha512'))],
    ['RS256', withHeader({ alg: 'RS256' })],
    [
      'RS256 of a key of its own',
      withHeader({ alg: 'RS256' }, (signed) =>
        signBytes('sha256', Buffer.from(signed), rsa.privateKey).toString('base64url'),
      ),
    ],
    ['ES256', withHeader({ alg: 'ES256' })],
    ['the algorithm by its other name', withHeader({ alg: alg === 'EdDSA' ? 'Ed25519' : 'hs256' })],
    ['no type', withHeader({ typ: undefined })],
    ['the type JWT', withHeader({ typ: 'JWT' })],
    ['its type in capitals', withHeader({ typ: 'AT+JWT' })],
    ['its type in full', withHeader({ typ: 'application/at+jwt' })],
    ['the type of a refresh token', withHeader({ typ: 'refresh+jwt' })],
    [
      'a key in its header',
      withHeader({ jwk: elsewhere.publicKey.export({ format: 'jwk' }) }, eddsa(elsewhere.privateKey)),
    ],
    ['a key in its header, signed by ours', withHeader({ jwk: elsewhere.publicKey.export({ format: 'jwk' }) })],
    ['an address of keys', withHeader({ jku: 'https://example.org/jwks.json' })],
    ['an address of certificates', withHeader({ x5u: 'https://example.org/certificates' })],
    ['certificates', withHeader({ x5c: ['AAAA'] })],
    ['a critical header', withHeader({ crit: ['x'], x: 1 })],
    ['an unencoded payload', withHeader({ crit: ['b64'], b64: false })],
    ['a compressed payload', withHeader({ zip: 'DEF' })],
    ['an unknown key', withHeader({ kid: randomUUID() })],
    ['a path for a key', withHeader({ kid: '../../keys.db' })],
    ['an object for a key', withHeader({ kid: { $ne: null } })],
    ['another issuer', withClaims({ iss: 'parley' })],
    ['the issuer within another', withClaims({ iss: `${issuer}.example.com` })],
    ['no issuer', withClaims({ iss: undefined })],
    ['another audience', withClaims({ aud: 'parley-internal' })],
    ['several audiences', withClaims({ aud: [audience, 'others'] })],
    ['no audience', withClaims({ aud: undefined })],
    ['no end', withClaims({ exp: undefined })],
    ['an end in the past', withClaims({ exp: now() - 1 })],
    ['an end that is text', withClaims({ exp: '9999999999' })],
    ['an end that is null', withClaims({ exp: null })],
    ['an end beyond all numbers', raw(JSON.stringify(claims()).replace(/"exp":\d+/, '"exp":1e999'))],
    ['no time of issue', withClaims({ iat: undefined })],
    ['a beginning in the future', withClaims({ nbf: now() + 30 })],
    ['no person', withClaims({ sub: undefined })],
    ['a person that is an object', withClaims({ sub: { $ne: null } })],
    ['a person that is no id', withClaims({ sub: 'system' })],
    ['no session', withClaims({ sid: undefined })],
    ['a session that is a number', withClaims({ sid: 7 })],
    ['no role', withClaims({ role: undefined })],
    ['a role that there is not', withClaims({ role: 'owner' })],
    ['roles', withClaims({ role: ['member', 'admin'] })],
    ['a claim too many', withClaims({ admin: true })],
    ['a payload that is text', () => forge(goodHeader, 'ann')],
    ['a payload that is a number', () => forge(goodHeader, 7)],
    ['a payload that is null', () => forge(goodHeader, null)],
    ['a payload that is a list', () => forge(goodHeader, [claims()])],
    ['a payload that is empty', raw('')],
    ['a payload that is no JSON', raw('{"sub":')],
    [
      'a payload that is no UTF-8',
      () => {
        const signed = `${encode(JSON.stringify(goodHeader))}.${Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')}`;
        return `${signed}.${how(signed)}`;
      },
    ],
    ['a role twice', () => raw(JSON.stringify(claims()).replace('{', '{"role":"admin",'))()],
    [
      'an algorithm twice',
      () => sign(JSON.stringify(goodHeader).replace('{', '{"alg":"none",'), JSON.stringify(claims()), how),
    ],
    ['a prototype', () => raw(JSON.stringify(claims()).replace('{', '{"__proto__":{"role":"admin"},'))()],
    ['spaces in its JSON', () => raw(JSON.stringify(claims(), undefined, 1))()],
    ['padding', () => `${good()}=`],
    ['a line break behind it', () => `${good()}\n`],
    ['a scheme before it', () => `Bearer ${good()}`],
    ['3,000 characters', withClaims({ name: 'a'.repeat(3_000) })],
    ['ten million characters', () => 'a'.repeat(10_000_000)],
    ['ten million dots', () => '.'.repeat(10_000_000)],
  ])('is refused with %s', async (_what, make) => {
    expect(await tokens.verify(make())).toBeUndefined();
  });
});

describe('what is public', () => {
  const publicKey = async () => {
    const key = await new SigningKeys(keyring, keys).verifying(kid);
    if (!key) throw new Error('there is no key');
    return key;
  };
  const forms: [string, (key: KeyObject) => string | Buffer][] = [
    ['PEM', (key) => key.export({ format: 'pem', type: 'spki' }) as string],
    ['PEM without its last line break', (key) => (key.export({ format: 'pem', type: 'spki' }) as string).trimEnd()],
    ['DER', (key) => key.export({ format: 'der', type: 'spki' })],
    ['JWK', (key) => JSON.stringify(key.export({ format: 'jwk' }))],
    ['its bytes', (key) => Buffer.from(key.export({ format: 'jwk' }).x as string, 'base64url')],
    ['its bytes in base64url', (key) => key.export({ format: 'jwk' }).x as string],
    ['nothing', () => ''],
  ];

  it.each(forms)('is no secret to sign with: %s', async (_form, textOf) => {
    const how = hmac(textOf(await publicKey()));
    for (const header of [
      { alg: 'HS256', typ: 'at+jwt', kid },
      { alg: 'HS256', typ: 'at+jwt' },
    ]) {
      const token = sign(JSON.stringify(header), JSON.stringify(claims()), how);
      expect(await tokensOf().verify(token)).toBeUndefined();
      expect(await tokensOf({ sharedSecret }).verify(token)).toBeUndefined();
    }
  });

  it('is neither the secret with the name of the key, nor the key with the name of the secret', async () => {
    const { EdDSA, HS256 } = signers;
    const tokens = tokensOf({ sharedSecret });
    for (const header of [
      { ...HS256.header, kid },
      { ...EdDSA.header, kid: undefined },
    ]) {
      for (const { how } of [EdDSA, HS256]) {
        expect(await tokens.verify(sign(JSON.stringify(header), JSON.stringify(claims()), how))).toBeUndefined();
      }
    }
  });
});
