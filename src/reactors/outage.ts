import { Backoff, type BackoffOptions } from './backoff.js';
import { sleep } from './sleep.js';

/** What all reactions need is away: they wait together, and one wait is as long as the next has to be. */
export class Outage {
  readonly #backoff: Backoff;
  #pause: Promise<void> | undefined;
  #reason: string | undefined;

  constructor(
    options: BackoffOptions,
    private readonly signal: AbortSignal,
  ) {
    this.#backoff = new Backoff(options);
  }

  /** Why everything waits; undefined while nothing does. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** @returns how long all wait, in ms; undefined if they do already, since several find out at once */
  begin(reason: string): number | undefined {
    this.#reason = reason;
    if (this.#pause) return undefined;
    const ms = this.#backoff.next();
    this.#pause = sleep(ms, this.signal).then(() => {
      this.#pause = undefined;
    });
    return ms;
  }

  /** @returns whether it was not over before */
  end(): boolean {
    const lasted = this.#reason !== undefined;
    this.#reason = undefined;
    this.#backoff.reset();
    return lasted;
  }

  /** Resolves once it is time for another try. */
  async paused(): Promise<void> {
    while (this.#pause) await this.#pause;
  }
}
