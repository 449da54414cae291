import { decrypt, encrypt } from './aes-gcm.js';

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

/** Wraps keys under the newest master key, and unwraps those under any that was given. */
export class MasterKeys {
  private readonly keys = new Map<number, Buffer>();
  readonly newest: number;

  /** @throws {Error} if none is given or one is not 32 bytes long */
  constructor(masterKeys: readonly MasterKey[]) {
    for (const { version, key } of masterKeys) {
      if (key.length !== 32) throw new Error(`master key version ${version} has ${key.length} bytes, not 32`);
      this.keys.set(version, key);
    }
    if (this.keys.size === 0) throw new Error('no master key is given');
    this.newest = Math.max(...this.keys.keys());
  }

  get versions(): number[] {
    return [...this.keys.keys()];
  }

  /** @param name whose key it is: it can't be unwrapped as another's */
  wrap(name: string, key: Buffer, version = this.newest): WrappedKey {
    return { masterVersion: version, wrapped: encrypt(this.keys.get(version) as Buffer, name, key) };
  }

  /** @returns undefined if it was changed, or its master key is another one or not given */
  unwrap(name: string, { masterVersion, wrapped }: WrappedKey): Buffer | undefined {
    const master = this.keys.get(masterVersion);
    return master && decrypt(master, name, wrapped);
  }
}
