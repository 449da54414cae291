import type { Projection } from '../../projections/projection.js';
import type { Generation, ReadStore } from '../read-store/port.js';
import type { ProjectionStatus } from './port.js';
import { type FoldFailed, ProjectionRun } from './projection-run.js';

/** What the projector knows of one projection. */
export class Tracked {
  #state: ProjectionStatus['state'] = 'catching-up';
  #failure: string | undefined;
  #run: ProjectionRun | undefined;
  /** Of the last event that queries see. */
  position = 0n;

  constructor(readonly projection: Projection) {}

  get state(): ProjectionStatus['state'] {
    return this.#state;
  }

  /** None while it is stopped, or its new version is being built. */
  get run(): ProjectionRun | undefined {
    return this.#run;
  }

  status(): ProjectionStatus {
    return {
      projection: this.projection.name,
      state: this.#state,
      position: this.position,
      ...(this.#failure && { failure: this.#failure }),
    };
  }

  /** Begins where the live generation is. One that was stopped stays so. */
  placeAt(live: Generation, position: bigint, readStore: ReadStore): void {
    this.position = position;
    this.#run = undefined;
    if (this.#state === 'stopped') return;
    const isCurrent = live.version === this.projection.version;
    this.#state = isCurrent ? 'catching-up' : 'building';
    if (isCurrent) this.#run = new ProjectionRun(this.projection, live, readStore, position);
  }

  /** Is with the others from now on, if it has come as far as they are. */
  joinAt(front: bigint): void {
    if (this.#run && this.#run.position >= front) this.#state = 'following';
  }

  stop(failure: FoldFailed): void {
    this.#state = 'stopped';
    this.#failure = failure.message;
    this.#run = undefined;
  }

  /** Goes on with a generation that holds the whole log. */
  replace(run: ProjectionRun): void {
    this.#state = 'following';
    this.#failure = undefined;
    this.#run = run;
  }
}
