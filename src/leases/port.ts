/**
 * Leases: who does what only one process should do at a time, and which edges are alive. Nothing's correctness rests on
 * a lease; all of them can be deleted at any time.
 */

export interface LeaseRecord {
  /** The process that holds it. */
  readonly holder: string;
  /** Rises with each new holding. */
  readonly epoch: number;
  /** Rises with each renewal. */
  readonly counter: number;
  /** What the holder tells of itself, JSON. */
  readonly note: string;
}

export interface LeaseStore {
  read(name: string): Promise<LeaseRecord | undefined>;
  /** Every lease whose name begins so, by name. */
  list(prefix: string): Promise<Map<string, LeaseRecord>>;
  /**
   * Puts `next` (or nothing) in the place of `expected` (or of nothing), if it is still there: of the same epoch and
   * counter.
   * @returns whether it was
   */
  compareAndSet(name: string, expected: LeaseRecord | undefined, next: LeaseRecord | undefined): Promise<boolean>;
  close(): Promise<void>;
}
