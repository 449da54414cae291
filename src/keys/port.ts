/**
 * The keys that open the log: with it, the only truth. One key for each subject (a person; an e-mail address without
 * an account), wrapped by a versioned master key; and named secrets that are never rotated.
 */
export interface KeyStore {
  /** Makes a key for each subject that has none (and was not forgotten). Durable once it resolves. */
  ensure(subjects: readonly string[]): Promise<void>;
  /** The keys of those subjects, 32 bytes each; `null` for a destroyed one; a subject that never had one is left out. */
  get(subjects: readonly string[]): Promise<Map<string, Buffer | null>>;
  /**
   * Destroys the subjects' keys for ever: what was sealed under them can't be read again, and they get no new ones.
   * Where it does not resolve, it is to be called again: only then is surely nothing left of them.
   */
  destroy(subjects: readonly string[]): Promise<void>;
  /** A secret of 32 bytes, made at its first use and never changed. Durable once it resolves. */
  secret(name: SecretName): Promise<Buffer>;
  close(): Promise<void>;
}

/**
 * `reservations`: names streams of unique values. `commands`: hashes of commands' inputs. `passwords`: their pepper.
 * `tokens`: signs what only this system reads. `signing/<key id>`: seeds of the keys that sign access tokens.
 */
export type SecretName = 'reservations' | 'commands' | 'passwords' | 'tokens' | `signing/${string}`;

/** The master keys are not those of the key store, or a key in it is damaged; the message says what to do. */
export class KeysUnusable extends Error {}
