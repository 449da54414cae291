export interface BackoffOptions {
  /** Most of the first wait, in ms; it doubles each time. */
  readonly firstMs: number;
  /** Most of any wait, in ms. */
  readonly longestMs: number;
}

/** Exponential backoff with full jitter: what failed together is not tried again together. */
export class Backoff {
  #failures = 0;

  constructor(private readonly options: BackoffOptions) {}

  /** How long to wait before the next try, in ms. */
  next(): number {
    const { firstMs, longestMs } = this.options;
    const most = Math.min(longestMs, firstMs * 2 ** this.#failures);
    this.#failures += 1;
    return Math.random() * most;
  }

  reset(): void {
    this.#failures = 0;
  }
}
