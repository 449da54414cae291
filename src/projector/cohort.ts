import type { Codec } from '../event-store/codec.js';
import type { StoredEvent } from '../event-store/port.js';
import type { ReadStore } from '../read-store/port.js';
import { FoldFailed, type ProjectionRun } from './projection-run.js';

/** What projections are made of. */
export interface ProjectorParts {
  readonly codec: Codec;
  readonly readStore: ReadStore;
}

/** Told what has become of a run. */
export interface RunObserver {
  /** What it folded up to this position is written. */
  written(run: ProjectionRun, position: bigint): void;
  /** It can't go on. */
  failed(run: ProjectionRun, failure: FoldFailed): void;
}

/**
 * Runs that take the same pages: each page is decoded once, and what all of them make of it is written at once. While
 * something is being written, the next pages are folded.
 */
export class Cohort {
  /** Rejects with why something could not be written; pends until then. */
  readonly failure: Promise<never>;
  #fail: (error: unknown) => void = () => {};
  #written: Promise<unknown> = Promise.resolve();
  /** Those that have folded something since the last write. */
  readonly #folded = new Set<ProjectionRun>();
  #gathered = 0;

  /** @param eventsOfWrite - how many events are folded at least before they are written; each page, unless told */
  constructor(
    private readonly parts: ProjectorParts,
    private readonly observer: RunObserver,
    private readonly eventsOfWrite = 0,
  ) {
    this.failure = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.failure.catch(() => undefined);
  }

  /** @throws whatever the codec or the read store throw, perhaps at a page before */
  async take(page: readonly StoredEvent[], runs: readonly ProjectionRun[]): Promise<void> {
    const events = await this.parts.codec.decode(page);
    for (const run of runs) {
      const isNew = await run.fold(events).catch((error: unknown) => this.#stop(run, error));
      if (isNew) this.#folded.add(run);
    }
    this.#gathered += page.length;
    if (this.#gathered >= this.eventsOfWrite) await this.#writeFolded();
  }

  /** Resolves once everything taken is written. */
  async settle(): Promise<void> {
    await this.#writeFolded();
    await this.#written;
  }

  async #writeFolded(): Promise<void> {
    await this.#written;
    this.#written = Promise.all([...this.#folded].map((run) => this.#write(run)));
    this.#written.catch(this.#fail);
    this.#folded.clear();
    this.#gathered = 0;
  }

  async #write(run: ProjectionRun): Promise<void> {
    const { writes, position, erasing } = run.take();
    await this.parts.readStore.write(run.generation, writes, position, { erasing });
    this.observer.written(run, position);
  }

  #stop(run: ProjectionRun, error: unknown): false {
    if (!(error instanceof FoldFailed)) throw error;
    this.#folded.delete(run);
    this.observer.failed(run, error);
    return false;
  }
}
