/**
 * The keys that open the log: with it, the only truth. One key for each subject (a person; an e-mail address without
 * an account), wrapped by a versioned master key; and named secrets that are never rotated.
 */
export interface KeyStore {
  /**
   * Makes a key for each subject that has none (and was not forgotten). Durable once it resolves.
   * @throws {KeysUnusable} if the key store has a newer master key than were given
   */
  ensure(subjects: readonly string[]): Promise<void>;
  /** The keys of those subjects, 32 bytes each; `null` for a destroyed one; a subject that never had one is left out. */
  get(subjects: readonly string[]): Promise<Map<string, Buffer | null>>;
  /**
   * Destroys the subjects' keys for ever: what was sealed under them can't be read again, and they get no new ones.
   * Where it does not resolve, it is to be called again: only then is surely nothing left of them.
   */
  destroy(subjects: readonly string[]): Promise<void>;
  /**
   * A secret of 32 bytes, made at its first use and never changed. Durable once it resolves.
   * @throws {KeysUnusable} as `ensure`
   */
  secret(name: SecretName): Promise<Buffer>;
  /** How many keys and secrets are under each version of the master key that any is under. */
  countByMasterKey(): Promise<ReadonlyMap<number, number>>;
  /**
   * Wraps by the newest master key what is under an older one, while others read and write. Where it was stopped, it
   * goes on when it is called again.
   * @returns how many keys and secrets it has wrapped
   * @throws the signal's reason, once that is aborted
   */
  rewrap(options?: RewrapOptions): Promise<number>;
  close(): Promise<void>;
}

export interface RewrapOptions {
  readonly signal?: AbortSignal;
  /** Told from time to time how many are done. */
  onProgress?(rewrapped: number): void;
}

/**
 * `reservations`: names streams of unique values. `commands`: hashes of commands' inputs. `passwords`: their pepper.
 * `tokens`: signs what only this system reads. `signing/<key id>`: seeds of the keys that sign access tokens.
 */
export type SecretName = 'reservations' | 'commands' | 'passwords' | 'tokens' | `signing/${string}`;

/** The master keys are not those of the key store, or a key in it is damaged; the message says what to do. */
export class KeysUnusable extends Error {}
