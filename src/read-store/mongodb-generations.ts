import type { Collection } from 'mongodb';
import { writeUnlessThere } from '../mongodb/bulk-write.js';
import { inTime } from '../mongodb/in-time.js';
import { plainName } from './names.js';
import { type CollectionShape, type Generation, GenerationGone, type ProjectionShape } from './port.js';

/** Which generations there are, which is live, and how far each is: one document for each projection. */

export interface KeptGeneration {
  readonly version: number;
  readonly checkpoint: bigint;
  /** The fields that the documents of each collection are found by. */
  readonly collections: Readonly<Record<string, readonly string[]>>;
}

export interface ProjectionDocument {
  /** The projection's name. */
  readonly _id: string;
  /** Counts the changes of what follows, checkpoints apart: each is made to what the one before has left. */
  readonly change: number;
  /** The generation that readers see. */
  readonly live: number;
  /** The one begun last. No number is used twice, so that whoever still writes to one that is gone hits no other. */
  readonly last: number;
  /** By `g<number>`. */
  readonly generations: Readonly<Record<string, KeptGeneration>>;
  /** The collections of generations that are gone, by `g<number>`, until they are dropped. */
  readonly retired: Readonly<Record<string, readonly string[]>>;
}

/** What a step does to a projection's document. */
interface Change {
  readonly set: Readonly<Record<string, unknown>>;
  /** Generations that go with it. */
  readonly without?: readonly string[];
}

/** What a live generation counts as that lacks a field by which its documents must be found by now. */
const noVersion = 0;

export class Generations {
  constructor(private readonly projections: Collection<ProjectionDocument>) {}

  all(): Promise<ProjectionDocument[]> {
    return this.projections.find({}, inTime()).toArray();
  }

  async of(projection: string): Promise<ProjectionDocument | undefined> {
    return (await this.projections.findOne({ _id: projection }, inTime())) ?? undefined;
  }

  /** @throws {GenerationGone} */
  async kept(generation: Generation): Promise<KeptGeneration> {
    return keptIn(await this.of(generation.projection), generation);
  }

  /** The live generation, made if there is none. */
  async open(shape: ProjectionShape): Promise<Generation> {
    const { live, generations } = await this.#changeOf(shape, (projection) => addCollections(projection, shape));
    const { version, collections } = generations[key(live)] as KeptGeneration;
    const isWhole = shape.collections.every((collection) =>
      fieldsOf(collection).every((field) => collections[collection.name]?.includes(field)),
    );
    return { projection: shape.name, generation: live, version: isWhole ? version : noVersion };
  }

  /** Adds a generation beside the live one; all others go. */
  async begin(shape: ProjectionShape): Promise<Generation> {
    const { last } = await this.#changeOf(shape, ({ last, live, generations }) => ({
      set: { last: last + 1, [`generations.${key(last + 1)}`]: newGeneration(shape) },
      without: Object.keys(generations).filter((other) => other !== key(live)),
    }));
    return { projection: shape.name, generation: last, version: shape.version };
  }

  /** Makes a generation the live one; all others go. @throws {GenerationGone} */
  async promote(generation: Generation): Promise<void> {
    const promoted = await this.#change(generation.projection, (projection) => {
      keptIn(projection, generation);
      const others = Object.keys(projection.generations).filter((other) => other !== key(generation.generation));
      return { set: { live: generation.generation }, without: others };
    });
    keptIn(promoted, generation);
  }

  /** Lets a generation go, unless it is the live one. */
  async discard({ projection, generation }: Generation): Promise<void> {
    await this.#change(projection, ({ live, generations }) =>
      live === generation || !Object.hasOwn(generations, key(generation))
        ? undefined
        : { set: {}, without: [key(generation)] },
    );
  }

  /** Lets all generations go but the live one. */
  async discardUnfinished(projection: string): Promise<void> {
    await this.#change(projection, ({ live, generations }) => {
      const others = Object.keys(generations).filter((other) => other !== key(live));
      return others.length > 0 ? { set: {}, without: others } : undefined;
    });
  }

  /** Moves a checkpoint forwards, never back. @throws {GenerationGone} */
  async advance(generation: Generation, position: bigint): Promise<void> {
    const checkpoint = `generations.${key(generation.generation)}.checkpoint`;
    const { matchedCount } = await this.projections.updateOne(
      { _id: generation.projection, [checkpoint]: { $lt: position } },
      { $set: { [checkpoint]: position } },
      inTime(),
    );
    if (matchedCount === 0) await this.kept(generation);
  }

  /** Forgets a generation whose collections are dropped. */
  async forget(projection: string, retired: string): Promise<void> {
    await this.projections.updateOne({ _id: projection }, { $unset: { [`retired.${retired}`]: '' } }, inTime());
  }

  /** As `#change`, and makes what is not there. */
  async #changeOf(
    shape: ProjectionShape,
    step: (projection: ProjectionDocument) => Change | undefined,
  ): Promise<ProjectionDocument> {
    for (;;) {
      const changed = await this.#change(shape.name, step);
      if (changed) return changed;
      await this.#insert(shape);
    }
  }

  /** @returns the document after the step; undefined if there is none */
  async #change(
    name: string,
    step: (projection: ProjectionDocument) => Change | undefined,
  ): Promise<ProjectionDocument | undefined> {
    for (;;) {
      const projection = await this.of(name);
      const change = projection && step(projection);
      if (!change) return projection;
      const changed = await this.projections.findOneAndUpdate(
        { _id: name, change: projection.change },
        updateOf(projection, change),
        { returnDocument: 'after', ...inTime() },
      );
      if (changed) return changed;
    }
  }

  async #insert(shape: ProjectionShape): Promise<void> {
    const generations = { [key(1)]: newGeneration(shape) };
    const document = { _id: shape.name, change: 1, live: 1, last: 1, generations, retired: {} };
    await writeUnlessThere(this.projections, [{ insertOne: { document } }]);
  }
}

function updateOf({ change, generations }: ProjectionDocument, { set, without = [] }: Change) {
  const retired = without.map((gone) => [
    `retired.${gone}`,
    Object.keys((generations[gone] as KeptGeneration).collections),
  ]);
  const removed = without.map((gone) => [`generations.${gone}`, '']);
  return {
    $set: { ...set, change: change + 1, ...Object.fromEntries(retired) },
    // Some servers refuse one that is empty.
    ...(removed.length > 0 && { $unset: Object.fromEntries(removed) }),
  };
}

/** The live generation gets the collections that it lacks; those that are there keep their fields. */
function addCollections({ live, generations }: ProjectionDocument, shape: ProjectionShape): Change | undefined {
  const { collections } = generations[key(live)] as KeptGeneration;
  const missing = shape.collections.filter(({ name }) => !Object.hasOwn(collections, name));
  if (missing.length === 0) return undefined;
  return {
    set: Object.fromEntries(
      missing.map((collection) => [`generations.${key(live)}.collections.${collection.name}`, fieldsOf(collection)]),
    ),
  };
}

function newGeneration({ version, collections }: ProjectionShape): KeptGeneration {
  return {
    version,
    checkpoint: 0n,
    collections: Object.fromEntries(
      collections.map((collection) => [plainName(collection.name), fieldsOf(collection)]),
    ),
  };
}

/** The fields by which documents of a collection are found. */
export function fieldsOf(collection: CollectionShape): string[] {
  return [...new Set(indexesOf(collection).flat())];
}

/** As declared, and for each field that names people one that begins with it. */
export function indexesOf({ indexes, personal = {} }: CollectionShape): readonly (readonly string[])[] {
  const naming = Object.keys(personal).filter((field) => !indexes.some(([first]) => first === field));
  return [...indexes, ...naming.map((field) => [field])];
}

function key(generation: number): string {
  return `g${generation}`;
}

/** The generation's number that a key is made of. */
export function numberOf(key: string): number {
  return Number(key.slice(1));
}

/** @throws {GenerationGone} */
function keptIn(projection: ProjectionDocument | undefined, generation: Generation): KeptGeneration {
  const kept = projection?.generations[key(generation.generation)];
  if (!kept) throw new GenerationGone(generation);
  return kept;
}

/** What readers see of a projection. */
export function liveOf({ live, generations }: ProjectionDocument): KeptGeneration {
  return generations[key(live)] as KeptGeneration;
}
