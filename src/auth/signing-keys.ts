import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { JWK } from 'jose';
import { platformSecurity, platformSecurityId } from '../../domain/identity/platform-security.js';
import type { KeyStore } from '../keys/port.js';
import type { LiveStreams } from '../relay/live-streams.js';

/** A key that signs access tokens, as the log knows it: without its secret. */
export interface IntroducedKey {
  readonly kid: string;
  /** In ms since 1970. */
  readonly introducedAt: number;
}

/** Which keys there are is a fact of the log, so that all processes agree. The oldest one comes first. */
export interface SigningKeyring {
  /** As far as this process has heard. */
  current(): Promise<readonly IntroducedKey[]>;
  /** With every key that was introduced before the call. */
  latest(): Promise<readonly IntroducedKey[]>;
}

export function keyringOf(streams: Pick<LiveStreams, 'current' | 'latest'>): SigningKeyring {
  return {
    current: async () => (await streams.current(platformSecurity, platformSecurityId)).signingKeys,
    latest: async () => (await streams.latest(platformSecurity, platformSecurityId)).signingKeys,
  };
}

/** A public key as others get it (RFC 7517, RFC 8037). */
export type PublishedKey = JWK & { readonly kid: string };

/** How long an access token is good, in ms. */
export const accessTokenLifetimeMs = 60 * 60_000;
/** How long those who verify our tokens may keep the list of published keys, in ms. */
export const publishedForMs = 5 * 60_000;
/** A new key does not sign until nobody has a list without it. */
const publishedAheadMs = 2 * publishedForMs;
/** What clocks may differ by, in ms. */
const clockToleranceMs = 5 * 60_000;
/** An unknown key has the log read, but no more often than this, in ms: anybody can make up unknown ones. */
const betweenReadingsMs = 1_000;

/** When a key is used, in ms since 1970. */
export interface KeyPeriod {
  readonly kid: string;
  readonly signsFrom: number;
  /** When everything that it has signed is over; never for the newest one. */
  readonly goodUntil: number;
}

/**
 * A new key is published for a while before it signs, and an older one until the last token that it has signed is over:
 * so a rotation ends nobody's session, neither here nor with others. The first key signs at once.
 */
export function keyPeriods(introduced: readonly IntroducedKey[]): KeyPeriod[] {
  const signsFrom = introduced.map(({ introducedAt }, place) => introducedAt + (place === 0 ? 0 : publishedAheadMs));
  return introduced.map(({ kid }, place) => {
    const successorSigns = signsFrom[place + 1] ?? Number.POSITIVE_INFINITY;
    return {
      kid,
      signsFrom: signsFrom[place] as number,
      goodUntil: successorSigns + accessTokenLifetimeMs + clockToleranceMs,
    };
  });
}

interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** The keys that sign access tokens (Ed25519): the log has their ids, the key store their secrets. */
export class SigningKeys {
  readonly #pairs = new Map<string, KeyPair>();
  #readAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<readonly IntroducedKey[]> = Promise.resolve([]);

  constructor(
    private readonly keyring: SigningKeyring,
    private readonly keys: Pick<KeyStore, 'secret'>,
  ) {}

  /** The key that signs now. @throws {Error} if none was introduced */
  async signing(): Promise<{ readonly kid: string; readonly privateKey: KeyObject }> {
    const periods = keyPeriods(await this.keyring.current());
    const now = Date.now();
    const signing = periods.findLast(({ signsFrom }) => signsFrom <= now) ?? periods[0];
    if (!signing) throw new Error('there is no key that signs access tokens');
    return { kid: signing.kid, privateKey: (await this.#pair(signing.kid)).privateKey };
  }

  /** The public key of this id; undefined if there is none, or everything that it has signed is over. */
  async verifying(kid: string): Promise<KeyObject | undefined> {
    const isIn = (introduced: readonly IntroducedKey[]) => current(introduced).some((period) => period.kid === kid);
    if (!isIn(await this.keyring.current()) && !isIn(await this.#readAgain())) return undefined;
    return (await this.#pair(kid)).publicKey;
  }

  /** Every key whose signature may be met, now or soon. */
  async published(): Promise<PublishedKey[]> {
    const periods = current(await this.keyring.current());
    return Promise.all(
      periods.map(async ({ kid }) => {
        const { publicKey } = await this.#pair(kid);
        return { ...publicKey.export({ format: 'jwk' }), kid, alg: 'EdDSA', use: 'sig' };
      }),
    );
  }

  /** Who comes while it is read, or soon after, gets what was read: a log on a server takes its time. */
  #readAgain(): Promise<readonly IntroducedKey[]> {
    const now = performance.now();
    if (now - this.#readAt >= betweenReadingsMs) {
      this.#readAt = now;
      this.#reading = this.keyring.latest();
    }
    return this.#reading;
  }

  /** @param kid - of an introduced key: the key store makes a secret for any other */
  async #pair(kid: string): Promise<KeyPair> {
    const known = this.#pairs.get(kid);
    if (known) return known;
    const pair = keyPair(await this.keys.secret(`signing/${kid}`));
    this.#pairs.set(kid, pair);
    return pair;
  }
}

function current(introduced: readonly IntroducedKey[]): KeyPeriod[] {
  const now = Date.now();
  return keyPeriods(introduced).filter(({ goodUntil }) => now <= goodUntil);
}

/** What stands before the seed in the PKCS #8 form of an Ed25519 key (RFC 8410, section 7). */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex');

/** @param seed - 32 bytes (RFC 8032, section 5.1.5) */
function keyPair(seed: Buffer): KeyPair {
  const privateKey = createPrivateKey({ key: Buffer.concat([pkcs8Head, seed]), format: 'der', type: 'pkcs8' });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}
