const firstMs = 200;
const longestMs = 15_000;

/** Exponential backoff with full jitter: clients that lost the same server do not all come back at once. */
export class Backoff {
  #failures = 0;

  /** How long to wait before the next try, in ms. */
  next(): number {
    const most = Math.min(longestMs, firstMs * 2 ** this.#failures);
    this.#failures += 1;
    return Math.random() * most;
  }

  reset(): void {
    this.#failures = 0;
  }
}
