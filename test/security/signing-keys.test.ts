import { randomUUID } from 'node:crypto';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AccessTokens, type TokenHolder } from '../../src/auth/access-tokens.js';
import { accessTokenLifetimeMs, publishedForMs, SigningKeys } from '../../src/auth/signing-keys.js';
import { memoryKeys } from '../../src/keys/memory.js';
import type { KeyStore } from '../../src/keys/port.js';
import { TestKeyring } from '../fixtures/signing-keyring.js';

const start = Date.UTC(2030, 0, 1);
const minutes = 60_000;
const [first, second, third] = [randomUUID(), randomUUID(), randomUUID()];
const ann: TokenHolder = { personId: randomUUID(), sid: randomUUID(), name: 'Ann', role: 'member' };

let keyring: TestKeyring;
let keys: KeyStore;
let signingKeys: SigningKeys;
beforeEach(() => {
  vi.useFakeTimers({ now: start });
  keyring = new TestKeyring([{ kid: first, introducedAt: start }]);
  keys = memoryKeys();
  signingKeys = new SigningKeys(keyring, keys);
});
afterEach(() => {
  vi.useRealTimers();
});

function tokensOf(signing: SigningKeys): AccessTokens {
  return new AccessTokens({ signingKeys: signing, sharedSecret: undefined, issuer: 'parley', audience: 'parley' });
}

const published = async () => (await signingKeys.published()).map(({ kid }) => kid);
const signing = async () => (await signingKeys.signing()).kid;
/** The keyring has the key since this time, and every process has heard. */
const introduce = (kid: string, at: number) => {
  keyring.introduce(kid, at);
  keyring.hear();
};

describe('a signing key', () => {
  it('signs at once where it is the first one, even by a clock that is behind', async () => {
    vi.setSystemTime(start - minutes);
    expect(await signing()).toBe(first);
  });

  it('signs only once nobody keeps a list of keys without it', async () => {
    introduce(second, start);
    expect(await published()).toEqual([first, second]);
    vi.setSystemTime(start + publishedForMs);
    expect(await signing()).toBe(first);
    vi.setSystemTime(start + 2 * publishedForMs);
    expect(await signing()).toBe(second);
  });

  it('is published until the last token that it may have signed is over', async () => {
    introduce(second, start);
    const lastSigned = start + 2 * publishedForMs;
    vi.setSystemTime(lastSigned + accessTokenLifetimeMs);
    expect(await published()).toEqual([first, second]);
    expect(await signingKeys.verifying(first)).toBeDefined();
    vi.setSystemTime(lastSigned + accessTokenLifetimeMs + 6 * minutes);
    expect(await published()).toEqual([second]);
    expect(await signingKeys.verifying(first)).toBeUndefined();
  });

  it('never goes without a successor', async () => {
    vi.setSystemTime(start + 10 * 365 * 24 * 60 * minutes);
    expect(await published()).toEqual([first]);
    expect(await signing()).toBe(first);
  });

  it('waits its turn where several are introduced in a row', async () => {
    introduce(second, start);
    introduce(third, start + minutes);
    vi.setSystemTime(start + 2 * publishedForMs);
    expect(await signing()).toBe(second);
    vi.setSystemTime(start + 2 * publishedForMs + minutes);
    expect(await signing()).toBe(third);
  });

  it('is the same in every process', async () => {
    const other = new SigningKeys(keyring, keys);
    expect(await other.published()).toEqual(await signingKeys.published());
    const { accessToken } = await tokensOf(signingKeys).issue(ann);
    expect(await tokensOf(other).verify(accessToken)).toMatchObject(ann);
  });

  it('is missing before one is introduced', async () => {
    const none = new SigningKeys(new TestKeyring(), keys);
    await expect(none.signing()).rejects.toThrow('there is no key');
    expect(await none.published()).toEqual([]);
  });
});

describe('a rotation', () => {
  it('leaves every token good until its end, here and with whoever has the published keys', async () => {
    const tokens = tokensOf(signingKeys);
    const issued: { token: string; at: number }[] = [];
    for (let at = start; at < start + 180 * minutes; at += 5 * minutes) {
      vi.setSystemTime(at);
      if (at === start + 30 * minutes) introduce(second, at);
      if (at === start + 90 * minutes) introduce(third, at);
      issued.push({ token: (await tokens.issue(ann)).accessToken, at });
      // Whoever keeps the list for as long as they may, has one that is as old.
      const list = createLocalJWKSet({ keys: await signingKeys.published() });
      const others = tokensOf(new SigningKeys(keyring, keys));
      vi.setSystemTime(at + publishedForMs);
      for (const { token } of issued.filter((one) => one.at + accessTokenLifetimeMs > at + publishedForMs)) {
        expect(await others.verify(token)).toMatchObject(ann);
        await jwtVerify(token, list, { algorithms: ['EdDSA'], typ: 'at+jwt', issuer: 'parley', audience: 'parley' });
      }
    }
  });
});

describe('a key that a process does not know', () => {
  it('is looked for in the log, since another process may have introduced it', async () => {
    const fresh = new TestKeyring();
    const late = tokensOf(new SigningKeys(fresh, keys));
    const { accessToken } = await tokensOf(signingKeys).issue(ann);
    fresh.introduce(first, start);
    expect(await late.verify(accessToken)).toMatchObject(ann);
    expect(fresh.readings).toBe(1);
  });

  it('is found by all who come while the log is read for it', async () => {
    const fresh = new TestKeyring();
    fresh.introduce(second, start);
    const ofOther = new SigningKeys(fresh, memoryKeys());
    const found = await Promise.all(Array.from({ length: 5 }, () => ofOther.verifying(second)));
    for (const key of found) expect(key).toBeDefined();
    expect(fresh.readings).toBe(1);
  });

  it('does not have the log read for each made-up one', async () => {
    for (let count = 0; count < 100; count += 1) expect(await signingKeys.verifying(randomUUID())).toBeUndefined();
    expect(keyring.readings).toBe(1);
    vi.advanceTimersByTime(2_000);
    expect(await signingKeys.verifying(randomUUID())).toBeUndefined();
    expect(keyring.readings).toBe(2);
  });

  it('gets no secret', async () => {
    const asked: string[] = [];
    const watched = new SigningKeys(keyring, {
      secret: async (name) => {
        asked.push(name);
        return keys.secret(name);
      },
    });
    await watched.verifying(randomUUID());
    await watched.verifying(first);
    expect(asked).toEqual([`signing/${first}`]);
  });
});

describe('the published keys', () => {
  it('hold nothing but what is public', async () => {
    const [key] = await signingKeys.published();
    expect(key).toEqual({
      kty: 'OKP',
      crv: 'Ed25519',
      x: expect.stringMatching(/^[\w-]{43}$/),
      kid: first,
      alg: 'EdDSA',
      use: 'sig',
    });
    const seed = await keys.secret(`signing/${first}`);
    expect(JSON.stringify(key)).not.toContain(seed.toString('base64url'));
  });

  it('are those of RFC 8032 for its seed', async () => {
    // RFC 8032, section 7.1, test 1
    const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
    const [key] = await new SigningKeys(keyring, { secret: async () => seed }).published();
    expect(Buffer.from(key?.x as string, 'base64url').toString('hex')).toBe(
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    );
  });
});
