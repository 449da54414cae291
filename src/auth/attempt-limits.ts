import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { GrowingCache } from '../growing-cache.js';
import { RateLimited, type Standing } from '../rate-limits.js';
import { networkOf } from './network.js';

/** Keys of each limit that are counted at once, unless told otherwise. */
const defaultMostKeys = 100_000;
/** What one address may ask for in a minute, for each try that it has: as much as an office needs in the morning. */
const requestsPerTry = 200;

interface LimitOptions {
  readonly policy: string;
  readonly quota: number;
  readonly windowSeconds: number;
  readonly mostKeys: number;
}

/**
 * Counts by key, in windows that begin with a key's first count. Beyond as many keys as memory is kept for, the one that
 * was met longest ago begins anew: whoever has so many addresses and accounts to try is held up by the hashing of
 * passwords, and by what is counted durably.
 */
class Limit {
  readonly #counts: RateLimiterMemory;
  readonly #keys: GrowingCache<string, true>;

  constructor(private readonly options: LimitOptions) {
    const { quota, windowSeconds, mostKeys } = options;
    this.#counts = new RateLimiterMemory({ points: quota, duration: windowSeconds });
    this.#keys = new GrowingCache(mostKeys, (_, key) => void this.#counts.delete(key));
  }

  async standing(key: string): Promise<Standing> {
    this.#keys.get(key);
    return this.#standingAt(await this.#counts.get(key));
  }

  async count(key: string): Promise<void> {
    this.#keys.set(key, true);
    await this.#counts.penalty(key);
  }

  /** @throws {RateLimited} if the quota was used up before */
  async countWithin(key: string): Promise<void> {
    this.#keys.set(key, true);
    const { consumedPoints } = await this.#counts.penalty(key);
    if (consumedPoints > this.options.quota) await this.refuse(key);
  }

  /** @throws {RateLimited} if the quota is used up */
  async check(key: string): Promise<void> {
    if ((await this.standing(key)).remaining === 0) await this.refuse(key);
  }

  /** Takes a count back, unless its window has ended. */
  async uncount(key: string): Promise<void> {
    if (await this.#counts.get(key)) await this.#counts.reward(key);
  }

  /** @throws {RateLimited} */
  async refuse(key: string): Promise<never> {
    throw new RateLimited([await this.standing(key)]);
  }

  #standingAt(count: RateLimiterRes | null): Standing {
    const { policy, quota, windowSeconds } = this.options;
    return {
      policy,
      quota,
      windowSeconds,
      remaining: Math.max(0, quota - (count?.consumedPoints ?? 0)),
      resetSeconds: count ? Math.max(1, Math.ceil(count.msBeforeNext / 1_000)) : windowSeconds,
    };
  }
}

/** One try to log in, or at anything else that can be guessed or that sends a mail. To be told how it has ended. */
export interface Attempt {
  /** It was no guess: the account's try is given back. */
  succeeded(): Promise<void>;
  /** It counts against the address, too. */
  failed(): Promise<void>;
  standings(): Promise<Standing[]>;
}

export interface AttemptLimitsOptions {
  readonly tries: number;
  readonly windowMinutes: number;
  readonly mostKeys?: number;
}

/**
 * Bounds in this process what can be tried by account and by address, before anything costly is done. An account's tries
 * are counted as they begin, so that no more of them run at once than may fail. Those of an address are counted as they
 * fail: many people may be behind one.
 */
export class AttemptLimits {
  readonly #requests: Limit;
  readonly #byAddress: Limit;
  readonly #byAccount: Limit;

  constructor({ tries, windowMinutes, mostKeys = defaultMostKeys }: AttemptLimitsOptions) {
    const window = { windowSeconds: windowMinutes * 60, mostKeys };
    this.#requests = new Limit({ policy: 'requests', quota: tries * requestsPerTry, windowSeconds: 60, mostKeys });
    this.#byAddress = new Limit({ policy: 'address', quota: tries, ...window });
    this.#byAccount = new Limit({ policy: 'account', quota: tries, ...window });
  }

  /**
   * @param what - is tried: each thing has tries of its own, so that wrong guesses at one keep nobody from another
   * @param address - of the client
   * @param account - what names the account: an e-mail address, a user name, an id; none where nothing does
   * @throws {RateLimited}
   */
  async begin(what: string, address: string, account?: string): Promise<Attempt> {
    const network = networkOf(address);
    const place = `${what} ${network}`;
    await this.#requests.countWithin(network);
    await this.#byAddress.check(place);
    const counted = account === undefined ? undefined : { limit: this.#byAccount, key: `${what} ${folded(account)}` };
    await counted?.limit.countWithin(counted.key);
    return {
      succeeded: async () => counted?.limit.uncount(counted.key),
      failed: () => this.#byAddress.count(place),
      standings: () =>
        Promise.all([
          ...(counted ? [counted.limit.standing(counted.key)] : []),
          this.#byAddress.standing(place),
          this.#requests.standing(network),
        ]),
    };
  }
}

/** As those are spelled alike that name one account. */
function folded(account: string): string {
  return account.trim().normalize('NFKC').toLowerCase();
}
