import { randomBytes } from 'node:crypto';
import { decrypt, encrypt } from './aes-gcm.js';
import { KeysUnusable, type SecretName } from './port.js';

const keyBytes = 32;

/** A key that wraps all others, 32 bytes. A new one gets a new version; the old one stays until nothing is under it. */
export interface MasterKey {
  /** From 1. */
  readonly version: number;
  readonly key: Buffer;
}

/** A key as it is kept. */
export interface WrappedKey {
  readonly masterVersion: number;
  readonly wrapped: Buffer;
}

/** What a key is wrapped as: it can't be unwrapped as another's. */
export function subjectName(subject: string): string {
  return `subject ${subject}`;
}

export function secretName(name: SecretName): string {
  return `secret ${name}`;
}

function proofName(version: number): string {
  return `master ${version}`;
}

/** Wraps keys under the newest master key, and unwraps those under any that was given. */
export class MasterKeys {
  private readonly keys = new Map<number, Buffer>();
  readonly newest: number;

  /**
   * @param place - the key store, as people know it
   * @throws {Error} if none is given or one is not 32 bytes long
   */
  constructor(
    private readonly place: string,
    masterKeys: readonly MasterKey[],
  ) {
    for (const { version, key } of masterKeys) {
      if (key.length !== keyBytes) throw new Error(`master key version ${version} has ${key.length} bytes, not 32`);
      this.keys.set(version, key);
    }
    if (this.keys.size === 0) throw new Error('no master key is given');
    this.newest = Math.max(...this.keys.keys());
  }

  /**
   * Each master key encrypts its own name in the key store, so that a wrong one is noticed before anything is wrapped by
   * it.
   * @param kept - the proofs that are in the key store, by version
   * @param inUse - the versions that any key is under
   * @returns those that are to be added
   * @throws {KeysUnusable} if a proof is another key's, or there are keys under one that was not given
   */
  prove(kept: ReadonlyMap<number, Buffer>, inUse: Iterable<number>): Map<number, Buffer> {
    for (const [version, proof] of kept) this.checkProof(version, proof);
    for (const version of inUse) this.checkGiven(version);
    const added = [...this.keys.keys()].filter((version) => !kept.has(version));
    return new Map(added.map((version) => [version, this.proofOf(version)]));
  }

  /** A new random key, wrapped under the newest master key. */
  newKey(name: string): WrappedKey {
    return this.wrap(name, randomBytes(keyBytes));
  }

  /** @param name whose key it is: it can't be unwrapped as another's */
  wrap(name: string, key: Buffer): WrappedKey {
    return { masterVersion: this.newest, wrapped: encrypt(this.keys.get(this.newest) as Buffer, name, key) };
  }

  /** @throws {KeysUnusable} if it was changed, or its master key is another one or not given */
  unwrap(name: string, { masterVersion, wrapped }: WrappedKey): Buffer {
    this.checkGiven(masterVersion);
    const key = decrypt(this.keys.get(masterVersion) as Buffer, name, wrapped);
    if (!key) throw new KeysUnusable(`The key of ${name} in ${this.place} is damaged: restore it from a backup.`);
    return key;
  }

  /**
   * Why no keys may be made beside a newer master key that was not given: the older ones are about to be left out, and
   * what is under them by then would be lost.
   * @param newest - the newest version that the key store knows
   */
  refusalBeside(newest: number): KeysUnusable | undefined {
    if (newest <= this.newest) return undefined;
    return new KeysUnusable(`The key store ${this.place} has a newer master key ${newest}: give that one, too.`);
  }

  private proofOf(version: number): Buffer {
    return encrypt(this.keys.get(version) as Buffer, proofName(version), Buffer.alloc(keyBytes));
  }

  private checkGiven(version: number): void {
    if (this.keys.has(version)) return;
    throw new KeysUnusable(`The key store ${this.place} holds keys under master key ${version}: give that one, too.`);
  }

  /** Of a master key that was not given, nothing can be said. */
  private checkProof(version: number, proof: Buffer): void {
    const master = this.keys.get(version);
    if (master && !decrypt(master, proofName(version), proof)) {
      throw new KeysUnusable(`The key store ${this.place} was made with another master key ${version}: give that one.`);
    }
  }
}
