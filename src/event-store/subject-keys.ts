import { createSecretKey, type KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { KeyStore } from '../keys/port.js';

interface CachedKey {
  /** `null`: destroyed, for ever. */
  readonly key: KeyObject | null;
  /** When to ask the key store again, in ms since 1970. */
  readonly until: number;
}

const maxKeys = 32_768;

/** How long a key that another process has destroyed may still be used here, in ms. */
export const keyLifetimeMs = 60_000;

/** The subjects' keys, kept in memory for a while. */
export class SubjectKeys {
  private readonly cache = new LRUCache<string, CachedKey>({ max: maxKeys });

  constructor(private readonly keys: KeyStore) {}

  /** Makes the keys that don't exist yet, durably, and has them ready for `ready`. */
  async ensure(subjects: ReadonlySet<string>): Promise<void> {
    const unknown = this.unknownAmong(subjects);
    if (unknown.length === 0) return;
    await this.keys.ensure(unknown);
    await this.fetch(unknown);
  }

  /** The key of a subject, `null` if it was destroyed, undefined if neither `ensure` nor `of` was asked for it. */
  ready(subject: string): KeyObject | null | undefined {
    return this.cache.get(subject)?.key;
  }

  /** Keys by subject, `null` for a destroyed one; a subject that has none is left out. */
  async of(subjects: ReadonlySet<string>): Promise<Map<string, KeyObject | null>> {
    const unknown = this.unknownAmong(subjects);
    const found = new Map<string, KeyObject | null>();
    if (unknown.length > 0) for (const [subject, key] of await this.fetch(unknown)) found.set(subject, key);
    for (const subject of subjects) {
      const key = this.ready(subject);
      if (key !== undefined) found.set(subject, key);
    }
    return found;
  }

  private unknownAmong(subjects: ReadonlySet<string>): string[] {
    const now = Date.now();
    return [...subjects].filter((subject) => (this.cache.get(subject)?.until ?? 0) <= now);
  }

  private async fetch(subjects: readonly string[]): Promise<Map<string, KeyObject | null>> {
    const until = Date.now() + keyLifetimeMs;
    const fetched = new Map<string, KeyObject | null>();
    for (const [subject, bytes] of await this.keys.get(subjects)) {
      const key = bytes && createSecretKey(bytes);
      fetched.set(subject, key);
      this.cache.set(subject, { key, until: key ? until : Number.POSITIVE_INFINITY });
    }
    return fetched;
  }
}
