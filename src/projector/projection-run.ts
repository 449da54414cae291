import type { RecordedEvent } from '../../domain/event.js';
import type { Fold, Projection } from '../../projections/projection.js';
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

/** What a batch of events changes, and the position that it leads to. */
export interface Batch {
  readonly writes: readonly DocumentWrite[];
  readonly position: bigint;
}

/** One projection at work on one generation: folds batches of the log, in order. */
export class ProjectionRun {
  readonly #collections: readonly WorkingDocuments[];
  readonly #steps = new Map<string, readonly Step[]>();

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
   * Folds events that follow one another in the log; those folded before are left out. The batch before the last one
   * must have been written.
   * @returns undefined if there is nothing new among them
   * @throws {FoldFailed} after which the run must not be used any more
   */
  async fold(events: readonly RecordedEvent[]): Promise<Batch | undefined> {
    const position = events.at(-1)?.position;
    if (position === undefined || position <= this.position) return undefined;
    const tasks = this.#tasks(events);
    for (const documents of this.#collections) await documents.load(this.store, this.generation);
    this.#do(tasks);
    this.position = position;
    return { writes: this.#collections.flatMap((documents) => documents.take()), position };
  }

  /** What is to be folded into which document. */
  #tasks(events: readonly RecordedEvent[]): Task[] {
    const tasks: Task[] = [];
    for (const event of events) if (event.position > this.position) this.#addTasks(event, tasks);
    return tasks;
  }

  #addTasks(event: RecordedEvent, tasks: Task[]): void {
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

  #do(tasks: readonly Task[]): void {
    for (const task of tasks) {
      try {
        if (task.fold.fresh) foldFresh(task);
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
