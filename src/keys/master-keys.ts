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
   * @returns those that are to be added
   * @throws {KeysUnusable} if one is another key's, or that of a key that was not given
   */
  prove(kept: ReadonlyMap<number, Buffer>): Map<number, Buffer> {
    for (const [version, proof] of kept) this.checkProof(version, proof);
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
    const master = this.keys.get(masterVersion);
    const key = master && decrypt(master, name, wrapped);
    if (!key) throw new KeysUnusable(`The key of ${name} in ${this.place} is damaged: restore it from a backup.`);
    return key;
  }

  private proofOf(version: number): Buffer {
    return encrypt(this.keys.get(version) as Buffer, proofName(version), Buffer.alloc(keyBytes));
  }

  private checkProof(version: number, proof: Buffer): void {
    const master = this.keys.get(version);
    if (!master) {
      throw new KeysUnusable(`The key store ${this.place} holds keys under master key ${version}: give that one, too.`);
    }
    if (!decrypt(master, proofName(version), proof)) {
      throw new KeysUnusable(`The key store ${this.place} was made with another master key ${version}: give that one.`);
    }
  }
}
