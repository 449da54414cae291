import { randomBytes } from 'node:crypto';
import { type MasterKey, MasterKeys, secretName, subjectName, type WrappedKey } from './master-keys.js';
import type { KeyStore, RewrapOptions, SecretName } from './port.js';
import { type KeptKey, type KeyKind, type Rewrappable, rewrapKeys } from './rewrapping.js';

/** What several key stores in memory share, as processes share a file. */
export class KeysInMemory {
  readonly proofs = new Map<number, Buffer>();
  /** `null`: destroyed. */
  readonly subjects = new Map<string, WrappedKey | null>();
  readonly secrets = new Map<SecretName, WrappedKey>();
}

/** Keys in memory, for tests. @throws {KeysUnusable} if the master keys are not those of the shared ones */
export function memoryKeys(
  shared = new KeysInMemory(),
  masterKeys: readonly MasterKey[] = [{ version: 1, key: randomBytes(32) }],
): KeyStore {
  return new MemoryKeys(shared, new MasterKeys('in memory', masterKeys));
}

class MemoryKeys implements KeyStore, Rewrappable {
  constructor(
    private readonly shared: KeysInMemory,
    private readonly masters: MasterKeys,
  ) {
    const inUse = this.#all().map(({ masterVersion }) => masterVersion);
    for (const [version, proof] of masters.prove(shared.proofs, inUse)) shared.proofs.set(version, proof);
  }

  async ensure(subjects: readonly string[]): Promise<void> {
    const { subjects: kept } = this.shared;
    for (const subject of subjects) if (!kept.has(subject)) kept.set(subject, this.#make(subjectName(subject)));
  }

  async get(subjects: readonly string[]): Promise<Map<string, Buffer | null>> {
    const found = new Map<string, Buffer | null>();
    for (const subject of subjects) {
      const kept = this.shared.subjects.get(subject);
      if (kept !== undefined) found.set(subject, kept && this.masters.unwrap(subjectName(subject), kept));
    }
    return found;
  }

  async destroy(subjects: readonly string[]): Promise<void> {
    for (const subject of subjects) this.shared.subjects.set(subject, null);
  }

  async secret(name: SecretName): Promise<Buffer> {
    const kept = this.shared.secrets.get(name) ?? this.#make(secretName(name));
    this.shared.secrets.set(name, kept);
    return this.masters.unwrap(secretName(name), kept);
  }

  async countByMasterKey(): Promise<Map<number, number>> {
    const counts = new Map<number, number>();
    for (const { masterVersion } of this.#all()) counts.set(masterVersion, (counts.get(masterVersion) ?? 0) + 1);
    return counts;
  }

  rewrap(options?: RewrapOptions): Promise<number> {
    return rewrapKeys(this, this.masters, options);
  }

  async olderThan(version: number, kind: KeyKind, after: string, limit: number): Promise<KeptKey[]> {
    const kept = [...this.shared[kind]].flatMap(([id, key]) => (key ? [{ id, ...key }] : []));
    return kept
      .filter(({ id, masterVersion }) => id > after && masterVersion < version)
      .sort((one, other) => (one.id < other.id ? -1 : 1))
      .slice(0, limit);
  }

  async replace(kind: KeyKind, rewrapped: readonly (KeptKey & { readonly from: number })[]): Promise<void> {
    const kept: Map<string, WrappedKey | null> = this.shared[kind];
    for (const { id, from, masterVersion, wrapped } of rewrapped) {
      if (kept.get(id)?.masterVersion === from) kept.set(id, { masterVersion, wrapped });
    }
  }

  async close(): Promise<void> {}

  #make(name: string): WrappedKey {
    const refused = this.masters.refusalBeside(Math.max(...this.shared.proofs.keys()));
    if (refused) throw refused;
    return this.masters.newKey(name);
  }

  #all(): WrappedKey[] {
    return [...this.shared.subjects.values(), ...this.shared.secrets.values()].filter((key) => key !== null);
  }
}
