import { events as eventDefinitions } from '../../domain/catalogue.js';
import type { RecordedEvent } from '../../domain/event.js';
import { erasure, type Fold, type Projection } from '../../projections/projection.js';
import type { DocumentWrite, Generation, ReadStore } from '../read-store/port.js';
import { WorkingDocuments } from './working-documents.js';

interface Step {
  readonly documents: WorkingDocuments;
  readonly fold: Fold<unknown>;
}

interface Task extends Step {
  readonly event: RecordedEvent;
  readonly id: string;
}

/** Takes what is personal to someone who is forgotten by an event from all documents that there are by then. */
interface Erasure extends Step {
  readonly event: RecordedEvent;
  readonly field: string;
  readonly person: string;
  /** Documents of earlier batches. */
  readonly ids: ReadonlySet<string>;
}

/** What events change, and the position that they lead to. */
export interface Batch {
  readonly writes: readonly DocumentWrite[];
  readonly position: bigint;
  /** Someone is forgotten with it. */
  readonly erasing: boolean;
}

/** One projection at work on one generation: folds batches of the log, in order. */
export class ProjectionRun {
  readonly #collections: readonly WorkingDocuments[];
  readonly #steps = new Map<string, readonly Step[]>();
  #erasing = false;

  /** @param position - of the last event that the generation holds; from then on, of the last one folded */
  constructor(
    readonly projection: Projection,
    readonly generation: Generation,
    private readonly store: ReadStore,
    public position: bigint,
  ) {
    this.#collections = projection.collections.map(({ name }) => new WorkingDocuments(name));
  }

  /**
   * Folds events that follow one another in the log; those folded before are left out.
   * @returns false if there is nothing new among them
   * @throws {FoldFailed} after which the run must not be used any more
   */
  async fold(events: readonly RecordedEvent[]): Promise<boolean> {
    const position = events.at(-1)?.position;
    if (position === undefined || position <= this.position) return false;
    const erasures = await this.#erasures(events);
    const tasks = this.#tasks(events, erasures);
    for (const documents of this.#collections) await documents.load(this.store, this.generation);
    this.#do(tasks);
    this.position = position;
    this.#erasing ||= erasures.size > 0;
    return true;
  }

  /** What all events folded since the last time have changed. What was taken then must have been written. */
  take(): Batch {
    const writes = this.#collections.flatMap((documents) => documents.take());
    const batch = { writes, position: this.position, erasing: this.#erasing };
    this.#erasing = false;
    return batch;
  }

  /** What is to be folded into which document. */
  #tasks(
    events: readonly RecordedEvent[],
    erasures: ReadonlyMap<RecordedEvent, readonly Erasure[]>,
  ): (Task | Erasure)[] {
    const tasks: (Task | Erasure)[] = [];
    for (const event of events) {
      if (event.position <= this.position) continue;
      this.#addTasks(event, tasks);
      const erased = erasures.get(event) ?? [];
      for (const { documents, ids } of erased) for (const id of ids) documents.need(id);
      tasks.push(...erased);
    }
    return tasks;
  }

  /** What is to be erased, by the event that forgets someone. */
  async #erasures(events: readonly RecordedEvent[]): Promise<Map<RecordedEvent, Erasure[]>> {
    const erasures = new Map<RecordedEvent, Erasure[]>();
    for (const event of events) {
      const forgets = eventDefinitions.get(event.type)?.forgets;
      if (forgets === undefined || event.position <= this.position) continue;
      erasures.set(event, await this.#erase((event.data as Record<string, string>)[forgets] as string, event));
    }
    return erasures;
  }

  async #erase(person: string, event: RecordedEvent): Promise<Erasure[]> {
    const erasures: Erasure[] = [];
    for (const [index, { personal = {} }] of this.projection.collections.entries()) {
      const documents = this.#collections[index] as WorkingDocuments;
      for (const [field, fields] of Object.entries(personal)) {
        const ids = await documents.naming(this.store, this.generation, field, person);
        erasures.push({ documents, fold: erasure(field, person, fields), event, field, person, ids });
      }
    }
    return erasures;
  }

  #addTasks(event: RecordedEvent, tasks: (Task | Erasure)[]): void {
    try {
      for (const { documents, fold } of this.#stepsFor(event.type)) {
        for (const id of fold.ids(event)) {
          tasks.push({ documents, fold, event, id });
          if (!fold.fresh) documents.need(id);
        }
      }
    } catch (error) {
      throw new FoldFailed(this.projection.name, event, error);
    }
  }

  #do(tasks: readonly (Task | Erasure)[]): void {
    for (const task of tasks) {
      try {
        if ('ids' in task) erase(task);
        else if (task.fold.fresh) foldFresh(task);
        else foldOn(task);
      } catch (error) {
        throw new FoldFailed(this.projection.name, task.event, error);
      }
    }
  }

  #stepsFor(type: string): readonly Step[] {
    let steps = this.#steps.get(type);
    if (!steps) {
      steps = this.projection.collections.flatMap(({ folds }, index) =>
        [folds.get(type), folds.get('*')].flatMap((fold) =>
          fold ? [{ documents: this.#collections[index] as WorkingDocuments, fold }] : [],
        ),
      );
      this.#steps.set(type, steps);
    }
    return steps;
  }
}

function foldFresh({ documents, fold, event, id }: Task): void {
  documents.replace(id, fold.fold(undefined, event, id), event.position);
}

function foldOn({ documents, fold, event, id }: Task): void {
  const held = documents.held(id);
  if (held.position >= event.position) return;
  held.document = fold.fold(held.document, event, id);
  held.position = event.position;
  documents.change(id, held);
}

/** Whatever else the event does to the same documents; a second time, it does no harm. */
function erase({ documents, fold, event, field, person, ids }: Erasure): void {
  for (const id of new Set([...ids, ...documents.changedNaming(field, person)])) {
    const held = documents.held(id);
    held.document = fold.fold(held.document, event, id);
    documents.change(id, held);
  }
}

/** A projection's fold threw: the projection has a mistake, or the event is one that it does not understand. */
export class FoldFailed extends Error {
  constructor(
    readonly projection: string,
    event: RecordedEvent,
    override readonly cause: unknown,
  ) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`${projection} can't fold ${event.type} at position ${event.position}: ${why}`);
  }
}
