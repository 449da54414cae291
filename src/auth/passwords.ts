import { createHmac, randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import bcrypt from 'bcrypt';
import { BoundedQueue } from '../bounded-queue.js';

/** One core stays free for everything else. */
const concurrency = Math.max(1, availableParallelism() - 1);
/** At cost 12 the last one waits for about ten seconds. */
const maxWaiting = 40 * concurrency;

/**
 * Hashes passwords as `bcrypt(base64(hmac-sha384(password, pepper)))`: bcrypt alone reads 72 bytes and stops at NUL.
 * Off the event loop, a few at a time.
 */
export class Passwords {
  readonly #queue = new BoundedQueue(concurrency, maxWaiting);
  #dummyHash: Promise<string> | undefined;

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
    return this.#queue.run(() => bcrypt.hash(this.#digest(password), this.cost));
  }

  /**
   * Whether the password is the one hashed. Takes as long where there is no hash to compare with.
   * @throws {QueueFull}
   */
  async matches(password: string, hash: string | undefined): Promise<boolean> {
    return this.#queue.run(async () => {
      const equal = await bcrypt.compare(this.#digest(password), hash ?? (await this.#dummy()));
      return equal && hash !== undefined;
    });
  }

  #dummy(): Promise<string> {
    this.#dummyHash ??= bcrypt.hash(randomBytes(32).toString('base64'), this.cost);
    return this.#dummyHash;
  }

  #digest(password: string): string {
    return createHmac('sha384', this.pepper).update(password.normalize('NFC')).digest('base64');
  }
}
