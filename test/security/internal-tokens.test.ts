import { createHmac, randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  type InternalTokenKind,
  InternalTokens,
  internalTokenKinds,
  type TokenFacts,
  tokenHash,
} from '../../src/auth/internal-tokens.js';
import { memoryKeys } from '../../src/keys/memory.js';

const secret = Buffer.alloc(32, 'a secret of the tests');
const tokens = new InternalTokens(secret);
const now = () => Math.floor(Date.now() / 1_000);
const [ann, session, id] = [randomUUID(), randomUUID(), randomUUID()];
const minute = () => (now() + 60) * 1_000;

const facts: { [Kind in InternalTokenKind]: () => TokenFacts<Kind> } = {
  session: () => ({ personId: ann, sid: session, expiresAt: minute() }),
  refresh: () => ({ personId: ann, sid: session, generation: 3, expiresAt: minute() }),
  ticket: () => ({ personId: ann, sid: session, jti: id, expiresAt: minute() }),
  challenge: () => ({ personId: ann, passwordRevision: 0, expiresAt: minute() }),
  'verify-email': () => ({ personId: ann, jti: id, expiresAt: minute() }),
  'change-email': () => ({ personId: ann, jti: id, expiresAt: minute() }),
  'reset-password': () => ({ personId: ann, jti: id, expiresAt: minute() }),
};

const encode = (text: string) => Buffer.from(text).toString('base64url');

/** A token of any header and payload, signed with our own secret. */
function sign(header: string, payload: string, key: Buffer = secret, hash = 'sha256'): string {
  const signed = `${encode(header)}.${encode(payload)}`;
  return `${signed}.${createHmac(hash, key).update(signed).digest('base64url')}`;
}

const goodHeader = { alg: 'HS256', typ: 'session+jwt' };
const goodClaims = () => ({ sub: ann, sid: session, iss: 'parley', aud: 'parley-internal', exp: now() + 60 });
const forge = (header: object, payload: unknown, key?: Buffer) =>
  sign(JSON.stringify(header), JSON.stringify(payload), key);

describe('an internal token', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each(internalTokenKinds)('tells again what it was made from: %s', async (kind) => {
    const told = facts[kind]();
    expect(await tokens.verify(kind, await tokens.issue(kind, told as never))).toEqual(told);
  });

  it.each(internalTokenKinds)('is the very same one whenever it is made of the same facts: %s', async (kind) => {
    const told = facts[kind]();
    const first = await tokens.issue(kind, told as never);
    vi.useFakeTimers({ now: Date.now() + 5_000 });
    const turned = Object.fromEntries(Object.entries(told).reverse());
    expect(await new InternalTokens(secret).issue(kind, turned as never)).toBe(first);
  });

  it.each(internalTokenKinds)('is taken for no other kind: %s', async (kind) => {
    const token = await tokens.issue(kind, facts[kind]() as never);
    const takenFor: string[] = [];
    for (const other of internalTokenKinds) if (await tokens.verify(other, token)) takenFor.push(other);
    if (await tokens.verifySession(token)) takenFor.push('session');
    expect(takenFor).toEqual(kind === 'session' ? ['session', 'session'] : [kind]);
  });

  it.each(internalTokenKinds)('is no other kind under its type either: %s', async (kind) => {
    const payload = JSON.parse(
      Buffer.from((await tokens.issue(kind, facts[kind]() as never)).split('.')[1] as string, 'base64url').toString(),
    );
    const sameFacts = (other: InternalTokenKind) =>
      Object.keys(facts[other]()).sort().join() === Object.keys(facts[kind]()).sort().join();
    for (const other of internalTokenKinds.filter((other) => !sameFacts(other))) {
      expect(await tokens.verify(other, forge({ alg: 'HS256', typ: `${other}+jwt` }, payload))).toBeUndefined();
    }
  });

  it('is made under a secret of the key store', async () => {
    const keys = memoryKeys();
    const token = await (await InternalTokens.open(keys)).issue('session', facts.session());
    expect(await (await InternalTokens.open(keys)).verify('session', token)).toBeDefined();
    expect(await (await InternalTokens.open(memoryKeys())).verify('session', token)).toBeUndefined();
  });

  it('has an end, also where it was seen before', async () => {
    const token = await tokens.issue('session', facts.session());
    expect(await tokens.verifySession(token)).toEqual(await tokens.verify('session', token));
    vi.useFakeTimers({ now: Date.now() + 61_000 });
    expect(await tokens.verifySession(token)).toBeUndefined();
    expect(await tokens.verify('session', token)).toBeUndefined();
  });

  it('can be forged by the tests, so that what they change is what is refused', async () => {
    expect(await tokens.verify('session', forge(goodHeader, goodClaims()))).toMatchObject({ sid: session });
  });

  const good = () => forge(goodHeader, goodClaims());
  const withClaims = (over: object) => () => forge(goodHeader, { ...goodClaims(), ...over });
  const withHeader = (over: object) => () => forge({ ...goodHeader, ...over }, goodClaims());
  const json = () => JSON.stringify(goodClaims());
  it.each<[string, () => string]>([
    ['nothing', () => ''],
    ['two dots', () => '..'],
    ['four parts', () => `${good()}.${encode('{}')}`],
    ['its end cut off', () => good().slice(0, -1)],
    ['no signature', () => good().replace(/[^.]+$/, '')],
    ['another signature', () => forge(goodHeader, goodClaims(), Buffer.alloc(32, 'another secret'))],
    ['no secret', () => forge(goodHeader, goodClaims(), Buffer.alloc(0))],
    ['alg none', withHeader({ alg: 'none' })],
    ['alg none, unsigned', () => withHeader({ alg: 'none' })().replace(/[^.]+$/, '')],
    ['another algorithm', () => sign(JSON.stringify({ ...goodHeader, alg: 'HS512' }), json(), secret, 'sha512')],
    ['no algorithm', withHeader({ alg: undefined })],
    ['no type', withHeader({ typ: undefined })],
    ['the type in capitals', withHeader({ typ: 'SESSION+JWT' })],
    ['the type of access tokens', withHeader({ typ: 'at+jwt' })],
    ['a key in its header', withHeader({ jwk: { kty: 'oct', k: 'AAAA' } })],
    ['an address of keys', withHeader({ jku: 'https://example.org/jwks.json' })],
    ['an address of certificates', withHeader({ x5u: 'https://example.org/certificates' })],
    ['a critical header', withHeader({ crit: ['x'], x: 1 })],
    ['an unencoded payload', withHeader({ crit: ['b64'], b64: false })],
    ['another issuer', withClaims({ iss: 'elsewhere' })],
    ['another audience', withClaims({ aud: 'parley' })],
    ['several audiences', withClaims({ aud: ['parley-internal', 'parley'] })],
    ['no end', withClaims({ exp: undefined })],
    ['an end that is text', withClaims({ exp: '9999999999' })],
    ['an end between two seconds', withClaims({ exp: 9_999_999_999.5 })],
    ['an end in the past', withClaims({ exp: now() - 1 })],
    ['a beginning in the future', withClaims({ nbf: now() + 30 })],
    ['no person', withClaims({ sub: undefined })],
    ['a person that is an object', withClaims({ sub: { $ne: null } })],
    ['a person that is no id', withClaims({ sub: 'ann' })],
    ['a session that is a number', withClaims({ sid: 7 })],
    ['a claim too many', withClaims({ admin: true })],
    ['a payload that is text', () => forge(goodHeader, 'ann')],
    ['a payload that is a list', () => forge(goodHeader, [goodClaims()])],
    ['a payload that is null', () => forge(goodHeader, null)],
    ['a payload that is no JSON', () => sign(JSON.stringify(goodHeader), 'ann')],
    ['a claim twice', () => sign(JSON.stringify(goodHeader), json().replace('{', `{"sub":"${ann}",`))],
    ['a header twice', () => sign('{"alg":"none","alg":"HS256","typ":"session+jwt"}', json())],
    ['a prototype', () => sign(JSON.stringify(goodHeader), json().replace('{', '{"__proto__":{"admin":true},'))],
    ['spaces in its JSON', () => sign(JSON.stringify(goodHeader), JSON.stringify(goodClaims(), undefined, 1))],
    ['padding', () => `${good()}=`],
    ['a space behind it', () => `${good()} `],
    ['a million characters', withClaims({ padding: 'a'.repeat(1_000_000) })],
    ['a million dots', () => '.'.repeat(1_000_000)],
  ])('is refused with %s', async (_what, make) => {
    expect(await tokens.verify('session', make())).toBeUndefined();
    expect(await tokens.verifySession(make())).toBeUndefined();
  });

  it('has one spelling: no other last letter of its signature means the same', async () => {
    const token = good();
    const last = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const others = [...last].map((letter) => token.slice(0, -1) + letter).filter((other) => other !== token);
    for (const other of others) expect(await tokens.verify('session', other)).toBeUndefined();
    expect(await tokens.verify('session', token)).toBeDefined();
  });
});

describe('the hash of a token', () => {
  it('is its SHA-256', () => {
    // FIPS 180-2, appendix B.1
    expect(Buffer.from(tokenHash('abc'), 'base64url').toString('hex')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });
});
