import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { events as eventDefinitions } from '../../domain/catalogue.js';
import { forgettingTypes } from '../../domain/event.js';
import type { Projection } from '../../projections/projection.js';
import type { EventStore, StoredEvent } from '../event-store/port.js';
import { GenerationGone } from '../read-store/port.js';
import type { Positions } from '../read-store/positions.js';
import { refuseCheckpointsAhead } from './checkpoint-ahead.js';
import { Cohort, type ProjectorParts } from './cohort.js';
import type { Projector, ProjectorStatus } from './port.js';
import { FoldFailed, type ProjectionRun } from './projection-run.js';
import {
  buildBeside,
  lowestPosition,
  type RebuildOptions,
  type RebuiltProjection,
  rebuildingCohort,
  replaceLive,
  takeThrough,
} from './rebuild.js';
import { Tracked } from './tracked.js';
import { Turns } from './turns.js';

export interface ProjectorOptions extends ProjectorParts {
  readonly eventStore: EventStore;
  readonly projections: readonly Projection[];
  readonly positions: Positions;
  readonly logger: Logger;
  /** Most events folded and written in one go; 1,000 unless told. */
  readonly pageSize?: number;
}

const forgetting = forgettingTypes(eventDefinitions);

/** How long to wait before trying again what failed, ms: doubled each time, up to the longest. */
const shortestDelay = 100;
const longestDelay = 5_000;

/**
 * Folds the log into the read models, and goes on as it grows.
 * @throws {CheckpointAhead}
 */
export async function startProjector(options: ProjectorOptions): Promise<Projector> {
  const projector = new LogProjector(options);
  await projector.start();
  return projector;
}

/**
 * One reader of the log for all projections. Those at the front take each new page together; those behind (they had
 * stopped) take pages of their own until they are there. All of that happens in turns, so that a page of one kind
 * never meets another one halfway.
 */
class LogProjector implements Projector {
  readonly #tracked: readonly Tracked[];
  readonly #turns = new Turns();
  readonly #stopping = new AbortController();
  readonly #pageSize: number;
  /** Of the last event that those at the front were handed. */
  #front = 0n;
  #cohort: Cohort;
  #failure: string | undefined;
  /** What is being rebuilt by this process. */
  readonly #rebuilds = new Map<Promise<unknown>, readonly Tracked[]>();
  #working: Promise<void> = Promise.resolve();

  constructor(private readonly options: ProjectorOptions) {
    this.#tracked = options.projections.map((projection) => new Tracked(projection));
    this.#pageSize = options.pageSize ?? 1_000;
    this.#cohort = this.#newCohort();
  }

  async start(): Promise<void> {
    await this.#place();
    await refuseCheckpointsAhead(this.options);
    await this.#discardUnfinished();
    for (const tracked of this.#tracked) if (tracked.state === 'building') this.#buildNewVersion(tracked);
    this.#working = this.#work();
  }

  status(): ProjectorStatus {
    return {
      projections: this.#tracked.map((tracked) => tracked.status()),
      ...(this.#failure && { failure: this.#failure }),
    };
  }

  rebuild(names?: readonly string[], options: RebuildOptions = {}): Promise<RebuiltProjection[]> {
    const tracked = this.#tracked.filter(({ projection }) => names?.includes(projection.name) ?? true);
    const rebuild = this.#rebuild(tracked, options);
    this.#rebuilds.set(rebuild, tracked);
    void rebuild.catch(() => undefined).finally(() => this.#rebuilds.delete(rebuild));
    return rebuild;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#working;
    await Promise.allSettled(this.#rebuilds.keys());
  }

  /** Finds out from the read store where each projection is. */
  async #place(): Promise<void> {
    const { readStore, positions } = this.options;
    this.#cohort = this.#newCohort();
    this.#front = 0n;
    for (const tracked of this.#tracked) {
      const live = await readStore.open(tracked.projection);
      tracked.placeAt(live, await readStore.checkpoint(live), readStore);
      positions.advanced(tracked.projection.name, tracked.position);
      if (tracked.run && tracked.position > this.#front) this.#front = tracked.position;
    }
  }

  async #placeAgain(): Promise<void> {
    await this.#place();
    await this.#forgetFailureAtHead();
  }

  /** What has failed is over where nothing is left to be folded, since then nothing else shows that it goes on. */
  async #forgetFailureAtHead(): Promise<void> {
    if (!this.#failure) return;
    const head = await this.options.eventStore.head();
    if (lowestPosition(live(this.#tracked), head) === head) this.#failure = undefined;
  }

  /**
   * Drops what others have begun to build. Whoever was killed at it has left it, and nobody would look there for what is
   * to be forgotten; who is still at it can begin again.
   */
  async #discardUnfinished(): Promise<void> {
    const own = new Set([...this.#rebuilds.values()].flat());
    for (const tracked of this.#tracked) {
      if (!own.has(tracked)) await this.options.readStore.discardUnfinished(tracked.projection.name);
    }
  }

  #newCohort(): Cohort {
    return new Cohort(this.options, {
      written: ({ projection }, position) => this.#advanced(projection, position),
      failed: ({ projection }, failure) => {
        this.#trackedOf(projection).stop(failure);
        this.options.logger.error({ err: failure }, 'a projection has stopped; the others go on');
      },
    });
  }

  #advanced(projection: Projection, position: bigint): void {
    this.#trackedOf(projection).position = position;
    this.options.positions.advanced(projection.name, position);
  }

  #trackedOf(projection: Projection): Tracked {
    return this.#tracked.find((tracked) => tracked.projection === projection) as Tracked;
  }

  async #work(): Promise<void> {
    const { signal } = this.#stopping;
    let wait = shortestDelay;
    for (let again = false; !signal.aborted; again = true) {
      const started = this.#front;
      try {
        if (again) await this.#turns.take(() => this.#placeAgain());
        await this.#goOn();
      } catch (error) {
        wait = this.#front > started ? shortestDelay : Math.min(wait * 2, longestDelay);
        this.#report(error);
        await delay(wait, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  #report(failure: unknown): void {
    if (failure instanceof GenerationGone) {
      this.options.logger.info({ reason: failure.message }, 'a read model was replaced by another process');
      return;
    }
    this.#failure = messageOf(failure);
    this.options.logger.error({ err: failure }, 'the read models can not go on; it will be tried again');
  }

  /** Follows the log and brings up those that are behind, until it is stopped or one of both fails. */
  async #goOn(): Promise<void> {
    const failed = new AbortController();
    const signal = AbortSignal.any([this.#stopping.signal, failed.signal]);
    const work = [this.#follow(signal), this.#catchUp(signal)];
    try {
      // What is written last may fail with nothing behind it that would wait for it.
      await Promise.race([Promise.all(work), this.#cohort.failure]);
    } finally {
      failed.abort();
      await Promise.allSettled(work);
    }
    await this.#cohort.settle();
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const pages = this.options.eventStore.follow({ after: this.#front, signal, pageSize: this.#pageSize });
    for await (const page of pages) await this.#turns.take(() => this.#takeAtFront(page));
  }

  async #takeAtFront(page: readonly StoredEvent[]): Promise<void> {
    // Before the page counts as folded, so that it is tried again where it fails.
    if (page.some(({ type }) => forgetting.has(type))) await this.#discardUnfinished();
    const following = this.#tracked.flatMap(({ run }) => (run && run.position >= this.#front ? [run] : []));
    this.#front = page.at(-1)?.position ?? this.#front;
    await this.#cohort.take(page, following);
    // While there is more, a page is written while the next one is folded.
    if (page.length < this.#pageSize) await this.#cohort.settle();
    this.#failure = undefined;
  }

  async #catchUp(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await this.#turns.take(() => this.#takeBehind())));
    await this.#turns.take(async () => {
      await this.#cohort.settle();
      await this.#forgetFailureAtHead();
    });
  }

  /** @returns false if none is behind */
  async #takeBehind(): Promise<boolean> {
    for (const tracked of this.#tracked) tracked.joinAt(this.#front);
    const behind = this.#tracked.flatMap(({ state, run }) => (run && state === 'catching-up' ? [run] : []));
    if (behind.length === 0) return false;
    const page = await this.options.eventStore.readAll(lowestPosition(behind, this.#front), this.#pageSize);
    await this.#cohort.take(page, behind);
    return true;
  }

  async #rebuild(tracked: readonly Tracked[], options: RebuildOptions): Promise<RebuiltProjection[]> {
    const signal = AbortSignal.any([this.#stopping.signal, ...(options.signal ? [options.signal] : [])]);
    const projections = tracked.map(({ projection }) => projection);
    const runs = await buildBeside(this.options, projections, { ...options, signal });
    return this.#turns.take(() => this.#replace(tracked, runs, options));
  }

  /** In a turn of its own: nothing is folded between the last event and the replacement. */
  async #replace(
    tracked: readonly Tracked[],
    runs: readonly ProjectionRun[],
    options: RebuildOptions,
  ): Promise<RebuiltProjection[]> {
    const head = await this.options.eventStore.head();
    await takeThrough(this.options, this.#cohort, live(tracked), head);
    await takeThrough(this.options, rebuildingCohort(this.options), runs, head);
    const rebuilt = await replaceLive(this.options, runs, options);
    for (const [index, run] of runs.entries()) {
      (tracked[index] as Tracked).replace(run);
      this.#advanced(run.projection, run.position);
    }
    return rebuilt;
  }

  /** Builds the generation of a new version in the background. */
  #buildNewVersion(tracked: Tracked): void {
    const { logger } = this.options;
    const projection = tracked.projection.name;
    this.rebuild([projection]).then(
      () => logger.info({ projection }, 'a projection was built in its new version'),
      async (error: unknown) => {
        const { signal } = this.#stopping;
        if (signal.aborted) return;
        logger.error({ err: error, projection }, 'a projection could not be built in its new version');
        if (error instanceof FoldFailed) return tracked.stop(error);
        await delay(longestDelay, undefined, { signal }).catch(() => undefined);
        if (!signal.aborted && tracked.state === 'building') this.#buildNewVersion(tracked);
      },
    );
  }
}

function live(tracked: readonly Tracked[]): ProjectionRun[] {
  return tracked.flatMap(({ run }) => run ?? []);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
