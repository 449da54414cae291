import { setTimeout as sleep } from 'node:timers/promises';
import type { LeaseRecord, LeaseStore } from './port.js';

export interface LeaseOptions {
  readonly store: LeaseStore;
  readonly name: string;
  /** This process. */
  readonly holder: string;
  /** How long a holder may show no sign of life before another takes its place, in ms; 5,000 unless told. */
  readonly patienceMs?: number;
  /** How often a holder shows that it is alive, and others look, in ms; 1,000 unless told. */
  readonly intervalMs?: number;
  /** What the holder tells of itself with each sign of life, JSON. */
  readonly note?: () => string;
  /** Told when the store can't be asked, it is asked again; or when the work has failed, it is begun again. */
  onError(error: unknown): void;
}

/** Holds a lease that was given back. */
export const nobody = '';

/** What a process does while it holds a lease: until it is stopped, since the process may not go on. */
export type Held = (epoch: number) => Promise<{ stop(): Promise<void> }>;

/**
 * A lease: a record that its holder changes again and again. Whoever has seen no change for a while, by their own clock,
 * takes it: clocks of machines are never compared. A holder that could not renew for as long stops by itself.
 */
export class Lease {
  readonly #options: Required<LeaseOptions>;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #looked: (failure?: unknown) => void = () => {};
  #failure: unknown;
  #seen: { record: LeaseRecord | undefined; at: number } = { record: undefined, at: Number.NEGATIVE_INFINITY };

  constructor(options: LeaseOptions) {
    this.#options = { patienceMs: 5_000, intervalMs: 1_000, note: () => '', ...options };
  }

  /**
   * Does the work whenever this process holds the lease, until it is stopped.
   * @returns once the work has begun for the first time, or another process was found to hold the lease
   * @throws what has kept the work from beginning for the first time; it is still tried again until `stop`
   */
  start(work: Held): Promise<void> {
    const looked = new Promise<void>((resolve, reject) => {
      this.#looked = (failure) => (failure === undefined ? resolve() : reject(failure));
    });
    this.#running = this.#run(work);
    return looked;
  }

  /** Why this process can't do the work, though it holds the lease. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Ends the work, and gives the lease back, so that nobody has to wait for it. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(work: Held): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const mine = await this.#acquire().catch((error: unknown) => this.#fail(error));
      if (mine) await this.#hold(mine, work);
      this.#looked();
      // Also where the work has ended by itself: it would at once again.
      await this.#wait();
    }
  }

  /** Takes the lease where it is free, or its holder is silent. */
  async #acquire(): Promise<LeaseRecord | undefined> {
    const { store, name, holder, patienceMs } = this.#options;
    const kept = await store.read(name);
    if (kept && kept.holder !== nobody && this.#isAlive(kept, patienceMs)) return undefined;
    const mine = { holder, epoch: (kept?.epoch ?? 0) + 1, counter: 0, note: this.#options.note() };
    return (await store.compareAndSet(name, kept, mine)) ? mine : undefined;
  }

  #isAlive(record: LeaseRecord, patienceMs: number): boolean {
    const { record: before, at } = this.#seen;
    if (before?.epoch === record.epoch && before.counter === record.counter) return performance.now() - at < patienceMs;
    this.#seen = { record, at: performance.now() };
    return true;
  }

  async #hold(mine: LeaseRecord, work: Held): Promise<void> {
    const { onError } = this.#options;
    const working = this.#begin(work, mine.epoch);
    const last = await this.#renew(mine, working);
    await (await working)?.stop().catch(onError);
    if (last) await this.#release(last).catch(onError);
  }

  async #begin(work: Held, epoch: number): Promise<{ stop(): Promise<void> } | undefined> {
    try {
      const begun = await work(epoch);
      this.#failure = undefined;
      this.#looked();
      return begun;
    } catch (error) {
      // The first failure is told to whoever has started this.
      const isFirst = this.#failure === undefined;
      this.#failure = error;
      this.#looked(error);
      return isFirst ? undefined : this.#fail(error);
    }
  }

  /** @returns the record as it was last renewed; undefined once the lease is lost */
  async #renew(mine: LeaseRecord, working: Promise<unknown>): Promise<LeaseRecord | undefined> {
    const { store, name, patienceMs, note } = this.#options;
    let failed = false;
    void working.then((begun) => {
      failed = begun === undefined;
    });
    let renewedAt = performance.now();
    for (let record = mine; ; ) {
      await this.#wait();
      if (failed || this.#stopping.signal.aborted) return record;
      // A process that was stopped for long must not go on as if nothing had been.
      if (performance.now() - renewedAt >= patienceMs) return undefined;
      const next = { ...record, counter: record.counter + 1, note: note() };
      const renewed = await store.compareAndSet(name, record, next).catch((error: unknown) => this.#fail(error));
      if (renewed === false) return undefined;
      if (renewed) {
        record = next;
        renewedAt = performance.now();
      }
    }
  }

  /** The record stays, so that epochs go on rising. */
  async #release(last: LeaseRecord): Promise<void> {
    const free = { ...last, holder: nobody, counter: last.counter + 1, note: '' };
    await this.#options.store.compareAndSet(this.#options.name, last, free);
  }

  #fail(error: unknown): undefined {
    if (!this.#stopping.signal.aborted) this.#options.onError(error);
    return undefined;
  }

  async #wait(): Promise<void> {
    const { intervalMs } = this.#options;
    await sleep(intervalMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }
}
