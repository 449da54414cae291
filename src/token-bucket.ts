/** Allows a sustained rate with bursts. Times are in ms of a clock that does not go back. */
export class TokenBucket {
  #tokens: number;
  #filledAt = 0;

  constructor(
    private readonly perSecond: number,
    private readonly burst: number,
  ) {
    this.#tokens = burst;
  }

  /** Takes a token, if there is one. */
  take(now: number): boolean {
    this.#fill(now);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Whole tokens that are there. */
  remaining(now: number): number {
    this.#fill(now);
    return Math.floor(this.#tokens);
  }

  /** Seconds until there is another whole token. */
  secondsToNext(now: number): number {
    this.#fill(now);
    return (1 - (this.#tokens % 1)) / this.perSecond;
  }

  #fill(now: number): void {
    this.#tokens = Math.min(this.burst, this.#tokens + ((now - this.#filledAt) / 1_000) * this.perSecond);
    this.#filledAt = now;
  }
}
