import type { ReadStore } from './port.js';

/** How often the store is asked for projections that no projector of this process works on, ms. */
const pollingInterval = 25;

interface Waiter {
  readonly position: bigint;
  /** Projections that have not reached the position yet. */
  readonly missing: Set<string>;
  done(): void;
}

/** How far the live read models have come, and waiting for them. */
export class Positions {
  readonly #reached = new Map<string, bigint>();
  /** Projections of which a projector in this process tells. */
  readonly #told = new Set<string>();
  readonly #waiters = new Set<Waiter>();
  #polling = false;

  constructor(private readonly readStore: Pick<ReadStore, 'liveCheckpoint'>) {}

  /** Told by the projector of this process: queries of the projection now see all events up to this position. */
  advanced(projection: string, position: bigint): void {
    this.#told.add(projection);
    this.#reach(projection, position);
  }

  /**
   * Waits until queries of all these projections see all events up to a position.
   * @returns false if they don't in time
   */
  waitFor(projections: readonly string[], position: bigint, timeoutMs: number): Promise<boolean> {
    const missing = new Set(projections.filter((projection) => !this.#has(projection, position)));
    if (missing.size === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const waiter: Waiter = { position, missing, done: () => end(true) };
      const timeout = setTimeout(() => end(false), timeoutMs);
      const end = (reached: boolean) => {
        clearTimeout(timeout);
        this.#waiters.delete(waiter);
        resolve(reached);
      };
      this.#waiters.add(waiter);
      this.#poll();
    });
  }

  #has(projection: string, position: bigint): boolean {
    return (this.#reached.get(projection) ?? 0n) >= position;
  }

  #reach(projection: string, position: bigint): void {
    if (this.#has(projection, position)) return;
    this.#reached.set(projection, position);
    for (const waiter of this.#waiters) {
      if (waiter.position > position || !waiter.missing.delete(projection)) continue;
      if (waiter.missing.size === 0) waiter.done();
    }
  }

  #poll(): void {
    if (this.#polling) return;
    this.#polling = true;
    void this.#askWhileWaited().finally(() => {
      this.#polling = false;
    });
  }

  async #askWhileWaited(): Promise<void> {
    for (let asked = this.#untold(); asked.size > 0; asked = this.#untold()) {
      // A store that can't answer now leaves the waiting to their timeouts.
      await Promise.all([...asked].map((projection) => this.#ask(projection).catch(() => undefined)));
      await new Promise((resolve) => setTimeout(resolve, pollingInterval));
    }
  }

  async #ask(projection: string): Promise<void> {
    this.#reach(projection, await this.readStore.liveCheckpoint(projection));
  }

  /** Projections that are waited for, and of which nobody in this process tells. */
  #untold(): Set<string> {
    const untold = new Set<string>();
    for (const { missing } of this.#waiters) {
      for (const projection of missing) if (!this.#told.has(projection)) untold.add(projection);
    }
    return untold;
  }
}
