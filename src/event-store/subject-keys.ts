import { GrowingCache } from '../growing-cache.js';
import type { KeyStore } from '../keys/port.js';

interface CachedKey {
  /** `null`: destroyed, for ever. */
  readonly key: Buffer | null;
  /** When to ask the key store again, on the monotonic clock: in ms since the process began. */
  readonly until: number;
}

const maxKeys = 32_768;

/** How long a key that another process has destroyed may still be used here, in ms. */
const keyLifetimeMs = 60_000;

/**
 * The subjects' keys, kept in memory for a while. As bytes: with tens of thousands of `KeyObject`s alive, opening an
 * event takes a third longer, for the garbage collector.
 */
export class SubjectKeys {
  private readonly cache = new GrowingCache<string, CachedKey>(maxKeys);
  private readonly forgotten = new Set<string>();

  constructor(private readonly keys: KeyStore) {}

  /** Makes the keys that don't exist yet, durably, and has them at hand for `prepared`. */
  async ensure(subjects: ReadonlySet<string>): Promise<void> {
    const now = performance.now();
    const unknown = [...subjects].filter((subject) => this.fresh(subject, now) === undefined);
    if (unknown.length === 0) return;
    await this.keys.ensure(unknown);
    await this.fetch(unknown);
  }

  /** From now on the subject's key counts as destroyed. */
  forget(subject: string): void {
    this.forgotten.add(subject);
    this.cache.delete(subject);
  }

  get hasForgotten(): boolean {
    return this.forgotten.size > 0;
  }

  isForgotten(subject: string): boolean {
    return this.forgotten.has(subject);
  }

  /** The key of a subject for whom `ensure` was called before, `null` if it was destroyed. */
  prepared(subject: string): Buffer | null | undefined {
    return this.forgotten.has(subject) ? null : this.cache.get(subject)?.key;
  }

  /** The key of a subject, `null` if it was destroyed; undefined if the key store has to be asked. @param now - on the monotonic clock */
  fresh(subject: string, now: number): Buffer | null | undefined {
    if (this.forgotten.has(subject)) return null;
    const cached = this.cache.get(subject);
    return cached && cached.until > now ? cached.key : undefined;
  }

  /** Asks the key store: keys by subject, `null` for a destroyed one; a subject that has none is left out. */
  async fetch(subjects: readonly string[]): Promise<ReadonlyMap<string, Buffer | null>> {
    const keys = await this.keys.get(subjects);
    const until = performance.now() + keyLifetimeMs;
    for (const [subject, key] of keys) {
      // Heard of while the key store was asked.
      if (this.forgotten.has(subject)) {
        keys.set(subject, null);
        continue;
      }
      // A copy, since it lies with others in one piece of memory.
      this.cache.set(subject, { key: key && Buffer.from(key), until: key ? until : Number.POSITIVE_INFINITY });
    }
    return keys;
  }
}
