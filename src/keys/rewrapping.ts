import { type MasterKeys, secretName, subjectName, type WrappedKey } from './master-keys.js';
import type { RewrapOptions, SecretName } from './port.js';

export interface KeptKey extends WrappedKey {
  /** The subject, or the secret's name. */
  readonly id: string;
}

export type KeyKind = 'subjects' | 'secrets';

/** What a key store does for its keys to be rewrapped. */
export interface Rewrappable {
  /** The first `limit` keys behind this one, in the order of their ids, that are under an older master key. */
  olderThan(version: number, kind: KeyKind, after: string, limit: number): Promise<readonly KeptKey[]>;
  /** Keeps each key as it is now wrapped, if it is still under `from`: it may have been destroyed. Durable. */
  replace(kind: KeyKind, rewrapped: readonly (KeptKey & { readonly from: number })[]): Promise<void>;
}

const keysAtOnce = 250;

/** `KeyStore.rewrap` of every adapter. */
export async function rewrapKeys(
  keys: Rewrappable,
  masters: MasterKeys,
  { signal, onProgress }: RewrapOptions = {},
): Promise<number> {
  let done = 0;
  for (const kind of ['subjects', 'secrets'] as const) {
    let after = '';
    for (;;) {
      signal?.throwIfAborted();
      const page = await keys.olderThan(masters.newest, kind, after, keysAtOnce);
      const last = page.at(-1);
      if (!last) break;
      const rewrapped = page.map((key) => {
        const name = nameOf(kind, key.id);
        return { id: key.id, from: key.masterVersion, ...masters.wrap(name, masters.unwrap(name, key)) };
      });
      await keys.replace(kind, rewrapped);
      after = last.id;
      done += page.length;
      onProgress?.(done);
    }
  }
  return done;
}

function nameOf(kind: KeyKind, id: string): string {
  return kind === 'subjects' ? subjectName(id) : secretName(id as SecretName);
}
