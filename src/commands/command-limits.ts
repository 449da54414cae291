import { performance } from 'node:perf_hooks';
import type { CommandClass } from '../../domain/decider.js';
import { GrowingCache } from '../growing-cache.js';
import { RateLimited, type Standing } from '../rate-limits.js';
import { TokenBucket } from '../token-bucket.js';

/** How many commands of each class a person may issue in a minute, and at once. */
export type CommandsPerMinute = Readonly<Record<CommandClass, number>>;

const windowSeconds = 60;
/** Whoever is let go of has issued nothing for longest, and most surely has full buckets again. */
const mostPersons = 50_000;

/** Bounds what a person asks of this process, whatever way it comes. */
export class CommandLimits {
  readonly #buckets = new GrowingCache<string, TokenBucket>(mostPersons);

  constructor(
    private readonly perMinute: CommandsPerMinute,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * Counts a command.
   * @throws {RateLimited} if the person has issued too many of its class
   */
  take(personId: string, commandClass: CommandClass): Standing {
    const quota = this.perMinute[commandClass];
    const bucket = this.#bucketOf(`${commandClass} ${personId}`, quota);
    const now = this.now();
    const taken = bucket.take(now);
    const standing = {
      policy: commandClass,
      quota,
      windowSeconds,
      remaining: bucket.remaining(now),
      resetSeconds: Math.ceil(bucket.secondsToNext(now)),
    };
    if (!taken) throw new RateLimited([standing]);
    return standing;
  }

  #bucketOf(key: string, quota: number): TokenBucket {
    const known = this.#buckets.get(key);
    if (known) return known;
    const bucket = new TokenBucket(quota / windowSeconds, quota);
    this.#buckets.set(key, bucket);
    return bucket;
  }
}
