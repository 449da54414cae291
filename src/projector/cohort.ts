import type { Codec } from '../event-store/codec.js';
import type { StoredEvent } from '../event-store/port.js';
import type { ReadStore } from '../read-store/port.js';
import { type Batch, FoldFailed, type ProjectionRun } from './projection-run.js';

/** What projections are made of. */
export interface ProjectorParts {
  readonly codec: Codec;
  readonly readStore: ReadStore;
}

interface Folded {
  readonly run: ProjectionRun;
  readonly batch: Batch;
}

/** Told what has become of a run. */
export interface RunObserver {
  /** What it folded up to this position is written. */
  written(run: ProjectionRun, position: bigint): void;
  /** It can't go on. */
  failed(run: ProjectionRun, failure: FoldFailed): void;
}

/**
 * Runs that take the same pages: each page is decoded once, and what all of them make of it is written at once. While a
 * page is being written, the next one is folded.
 */
export class Cohort {
  /** Rejects with why something could not be written; pends until then. */
  readonly failure: Promise<never>;
  #fail: (error: unknown) => void = () => {};
  #written: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly parts: ProjectorParts,
    private readonly observer: RunObserver,
  ) {
    this.failure = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.failure.catch(() => undefined);
  }

  /** @throws whatever the codec or the read store throw, perhaps at the page before */
  async take(page: readonly StoredEvent[], runs: readonly ProjectionRun[]): Promise<void> {
    const events = await this.parts.codec.decode(page);
    const folded: Folded[] = [];
    for (const run of runs) {
      const batch = await run.fold(events).catch((error: unknown) => this.#stop(run, error));
      if (batch) folded.push({ run, batch });
    }
    await this.#written;
    this.#written = Promise.all(folded.map((each) => this.#write(each)));
    this.#written.catch(this.#fail);
  }

  /** Resolves once everything taken is written. */
  async settle(): Promise<void> {
    await this.#written;
  }

  async #write({ run, batch }: Folded): Promise<void> {
    const { writes, position, erasing } = batch;
    await this.parts.readStore.write(run.generation, writes, position, { erasing });
    this.observer.written(run, batch.position);
  }

  #stop(run: ProjectionRun, error: unknown): undefined {
    if (!(error instanceof FoldFailed)) throw error;
    this.observer.failed(run, error);
  }
}
