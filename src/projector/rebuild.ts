import type { Projection } from '../../projections/projection.js';
import type { EventStore, StoredEvent } from '../event-store/port.js';
import { Cohort, type ProjectorParts, type RunObserver } from './cohort.js';
import { type Comparison, compareGenerations } from './compare.js';
import { ProjectionRun } from './projection-run.js';

/** Few enough that most of what is read and opened is garbage before the collector has moved it. */
const pageSize = 500;
/** Far more than where somebody waits: a document that changes often, or one beside it, is written once for all. */
const eventsOfWrite = 10_000;

export interface RebuildOptions {
  /** Compare the documents with those of the live generation before it is replaced. */
  readonly compare?: boolean;
  readonly signal?: AbortSignal;
  /** Told after each page: events folded so far, and the position reached. */
  readonly onProgress?: (events: number, position: bigint) => void;
}

export interface RebuiltProjection {
  readonly projection: string;
  readonly position: bigint;
  /** None where it was not asked for, or there was no live generation of the same version at the same position. */
  readonly comparison?: Comparison;
}

type Parts = ProjectorParts & { readonly eventStore: EventStore };

/**
 * Builds projections anew beside their live generations, and then replaces those. For a process in which no projector
 * runs; where one runs, `Projector.rebuild` lets no event come between the last one folded and the replacement.
 * @throws {FoldFailed} in which case the live generations stay
 * @throws {GenerationGone} if somebody else begins to rebuild one of them
 */
export async function rebuildProjections(
  parts: Parts,
  projections: readonly Projection[],
  options: RebuildOptions = {},
): Promise<RebuiltProjection[]> {
  const runs = await buildBeside(parts, projections, options);
  return replaceLive(parts, runs, options);
}

/** For generations that nobody reads yet: what one of them can't fold, ends the work of all. */
export function rebuildingCohort(parts: ProjectorParts): Cohort {
  return new Cohort(parts, allOrNone, eventsOfWrite);
}

const allOrNone: RunObserver = {
  written() {},
  failed(_run, failure) {
    throw failure;
  },
};

/** Begins a generation of each projection and folds the log into it, up to its head. */
export async function buildBeside(
  parts: Parts,
  projections: readonly Projection[],
  { signal, onProgress }: RebuildOptions,
): Promise<ProjectionRun[]> {
  const runs: ProjectionRun[] = [];
  try {
    for (const projection of projections) {
      runs.push(new ProjectionRun(projection, await parts.readStore.begin(projection), parts.readStore, 0n));
    }
    let events = 0;
    await takeThrough(parts, rebuildingCohort(parts), runs, await parts.eventStore.head(), (page) => {
      signal?.throwIfAborted();
      events += page.length;
      onProgress?.(events, page.at(-1)?.position ?? 0n);
    });
    return runs;
  } catch (error) {
    for (const { generation } of runs) await parts.readStore.discard(generation);
    throw error;
  }
}

/** Takes pages until all runs are exactly at `through`, and waits until what they made of them is written. */
export async function takeThrough(
  { eventStore }: Parts,
  cohort: Cohort,
  runs: readonly ProjectionRun[],
  through: bigint,
  onPage?: (page: readonly StoredEvent[]) => void,
): Promise<void> {
  let position = lowestPosition(runs, through);
  while (position < through) {
    const page = endingAt(through, await eventStore.readAll(position, pageSize));
    await cohort.take(page, runs);
    position = page.at(-1)?.position ?? through;
    onPage?.(page);
  }
  await cohort.settle();
}

function endingAt(through: bigint, page: readonly StoredEvent[]): readonly StoredEvent[] {
  const last = page.at(-1);
  return last && last.position > through ? page.filter(({ position }) => position <= through) : page;
}

/** The least of the runs' positions and `limit`. */
export function lowestPosition(runs: readonly ProjectionRun[], limit: bigint): bigint {
  let lowest = limit;
  for (const { position } of runs) if (position < lowest) lowest = position;
  return lowest;
}

/** Compares if asked to, and makes the runs' generations the live ones. */
export async function replaceLive(
  { readStore }: ProjectorParts,
  runs: readonly ProjectionRun[],
  { compare = false }: RebuildOptions,
): Promise<RebuiltProjection[]> {
  const rebuilt: RebuiltProjection[] = [];
  for (const { projection, generation, position } of runs) {
    const comparison = compare ? await compareGenerations(readStore, projection, generation) : undefined;
    await readStore.promote(generation);
    rebuilt.push({ projection: projection.name, position, ...(comparison && { comparison }) });
  }
  return rebuilt;
}
