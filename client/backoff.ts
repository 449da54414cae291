const firstMs = 200;
/** The longest wait unless told. */
export const longestBackoffMs = 15_000;

/** Exponential backoff with full jitter: clients that lost the same server do not all come back at once. */
export class Backoff {
  #failures = 0;

  constructor(private readonly longestMs = longestBackoffMs) {}

  /** How long to wait before the next try, in ms. */
  next(): number {
    const most = Math.min(this.longestMs, firstMs * 2 ** this.#failures);
    this.#failures += 1;
    return Math.random() * most;
  }

  reset(): void {
    this.#failures = 0;
  }
}
