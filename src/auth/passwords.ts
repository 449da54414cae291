import { createHmac } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { BoundedQueue } from '../bounded-queue.js';
import { BcryptThreads } from './bcrypt-threads.js';

/** One core of two: the others are for everybody who is in already. */
export const passwordsAtOnce = Math.max(1, Math.floor(availableParallelism() / 2));
/** At cost 12 the last one waits for about ten seconds. */
const maxWaiting = 40 * passwordsAtOnce;

/** The cost of `$2b$12$…`. */
const bcryptHash = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
/** Stands before a hash that was made elsewhere, of the password itself. Ours come without, since the first ones did. */
const plainMark = '{bcrypt}';
const maxImportedCost = 16;

/**
 * Marks a hash that another system made as `bcrypt(password)`, so that it is compared as such. bcrypt reads 72 bytes of a
 * password, up to a NUL: such a hash is to be renewed as soon as its password is known.
 * @param hash - `$2a$`, `$2b$` or `$2y$`, which are the same but for what old libraries did wrong
 * @returns undefined if it is no hash of bcrypt, or takes too long to compare
 */
export function importedPasswordHash(hash: string): string | undefined {
  const cost = bcryptHash.exec(hash)?.[1];
  return cost !== undefined && Number(cost) <= maxImportedCost ? `${plainMark}${hash}` : undefined;
}

/**
 * Hashes passwords as `bcrypt(base64(hmac-sha384(password, pepper)))`: bcrypt alone reads 72 bytes and stops at NUL.
 * Off the event loop, a few at a time.
 */
export class Passwords {
  readonly #queue = new BoundedQueue(passwordsAtOnce, maxWaiting);
  readonly #bcrypt = new BcryptThreads();

  /**
   * @param pepper - kept apart from the hashes, so that these alone can't be tried out
   * @param cost - logarithm of bcrypt's rounds
   */
  constructor(
    private readonly pepper: Buffer,
    private readonly cost: number,
  ) {}

  /** @throws {QueueFull} */
  async hash(password: string): Promise<string> {
    return this.#queue.run(() => this.#bcrypt.hash(this.#digest(password), this.cost));
  }

  /**
   * Whether the password is the one hashed. Takes as long where there is no hash to compare with, or a cheaper one.
   * @throws {QueueFull}
   */
  async matches(password: string, hash: string | undefined): Promise<boolean> {
    const compared = hash ?? dummyHash(this.cost);
    return this.#queue.run(async () => {
      const equal = await this.#compare(password, compared);
      // 2^n rounds at cost n: with those of all costs from n to below m, as many as at cost m.
      for (let cost = costOf(compared); cost < this.cost; cost += 1) await this.#bcrypt.compare('', dummyHash(cost));
      return equal && hash !== undefined;
    });
  }

  /** Whether the hash should give way to one of now, once its password is known: it was made elsewhere, or for less. */
  needsRenewal(hash: string): boolean {
    return isPlain(hash) || costOf(hash) < this.cost;
  }

  #compare(password: string, hash: string): Promise<boolean> {
    if (!isPlain(hash)) return this.#bcrypt.compare(this.#digest(password), hash);
    // Under `2a`, the library reads nothing of 255 bytes; it does not know `2y`, which is its `2b`.
    return this.#bcrypt.compare(password, hash.slice(plainMark.length).replace(/^\$2[ay]/, '$2b'));
  }

  #digest(password: string): string {
    return createHmac('sha384', this.pepper).update(password.normalize('NFC')).digest('base64');
  }
}

function isPlain(hash: string): boolean {
  return hash.startsWith(plainMark);
}

function costOf(hash: string): number {
  return Number(bcryptHash.exec(isPlain(hash) ? hash.slice(plainMark.length) : hash)?.[1]);
}

/** A hash of nothing, to be compared with. */
function dummyHash(cost: number): string {
  return `$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(53)}`;
}
