import type { AnyEventDefinition, RecordedEvent } from '../domain/event.js';

/** A document's fold: (document or none, event) → document, or none to delete it. Reads nothing else; no clock. */
export interface Fold<Document> {
  /** Documents that the event changes. */
  ids(event: RecordedEvent): readonly string[];
  /** May change the document that it is given. */
  fold(document: Document | undefined, event: RecordedEvent, id: string): Document | undefined;
  /** What the document was before does not matter: it is not loaded, and `fold` gets none. */
  readonly fresh: boolean;
}

export interface Collection<Document = unknown> {
  /** Unique across projections. */
  readonly name: string;
  /** Fields (dots for nested ones) of each index, in order. */
  readonly indexes: readonly (readonly string[])[];
  /**
   * Fields that are a person's, by the field that names the person. Once the person is forgotten they become `null`, as
   * they are for a fold that comes later.
   */
  readonly personal?: Readonly<Record<string, readonly string[]>>;
  /** The folds by event type; `*` folds every event. */
  readonly folds: ReadonlyMap<string, Fold<Document>>;
}

/** Collections that share one checkpoint. */
export interface Projection {
  readonly name: string;
  /** To be raised whenever a fold or a document's shape changes: the projection is then built anew. */
  readonly version: number;
  /**
   * Where a store can't make the documents of a page of events visible together, it does so in this order: that which
   * tells how far the others are, by its `revision`, comes last.
   */
  // biome-ignore lint/suspicious/noExplicitAny: holds documents of every shape
  readonly collections: readonly Collection<any>[];
}

type EventOf<Definition> = Definition extends { toFrame(event: infer Event): unknown } ? Event : never;

/** Folds an event type into the documents that `ids` names. */
export function on<Definition extends AnyEventDefinition, Document>(
  definition: Definition,
  ids: (event: EventOf<Definition>) => string | readonly string[],
  fold: (document: Document | undefined, event: EventOf<Definition>, id: string) => Document | undefined,
): [string, Fold<Document>] {
  return [definition.type, foldOf(ids, fold, false)];
}

/** Like `on`, for an event that is always the first one of its documents. */
export function creates<Definition extends AnyEventDefinition, Document>(
  definition: Definition,
  ids: (event: EventOf<Definition>) => string | readonly string[],
  make: (event: EventOf<Definition>) => Document,
): [string, Fold<Document>] {
  return [
    definition.type,
    foldOf(ids, (_document: Document | undefined, event: EventOf<Definition>) => make(event), true),
  ];
}

/** Like `on`, for a document that is there; after its deletion, nothing follows. */
export function changes<Definition extends AnyEventDefinition, Document>(
  definition: Definition,
  ids: (event: EventOf<Definition>) => string | readonly string[],
  change: (document: Document, event: EventOf<Definition>, id: string) => Document | undefined,
): [string, Fold<Document>] {
  return on(definition, ids, (document: Document | undefined, event, id) => document && change(document, event, id));
}

/** Deletes a document, whatever it was. */
export function deletes<Definition extends AnyEventDefinition>(
  definition: Definition,
  ids: (event: EventOf<Definition>) => string | readonly string[],
): [string, Fold<never>] {
  return [definition.type, foldOf<EventOf<Definition>, never>(ids, () => undefined, true)];
}

/** Folds every event. */
export function onAny<Document>(
  ids: (event: RecordedEvent) => readonly string[],
  fold: (document: Document | undefined, event: RecordedEvent, id: string) => Document | undefined,
): [string, Fold<Document>] {
  return ['*', foldOf(ids, fold, false)];
}

function foldOf<Event, Document>(
  ids: (event: Event) => string | readonly string[],
  fold: (document: Document | undefined, event: Event, id: string) => Document | undefined,
  fresh: boolean,
): Fold<Document> {
  return {
    ids(event) {
      const named = ids(event as Event);
      return typeof named === 'string' ? [named] : named;
    },
    fold: (document, event, id) => fold(document, event as Event, id),
    fresh,
  };
}

/** Makes `null` of the fields that are the person's, in documents in which `field` names that person. */
export function erasure(field: string, person: string, fields: readonly string[]): Fold<unknown> {
  return {
    ids: () => [],
    fold(document) {
      if (valueAt(document, field) === person) for (const each of fields) erase(document, each.split('.'));
      return document;
    },
    fresh: false,
  };
}

/** The value of a field, of which dots lead to nested ones; undefined where there is none. */
export function valueAt(document: unknown, field: string): unknown {
  return field.split('.').reduce(memberOf, document);
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function erase(document: unknown, path: readonly string[]): void {
  const holder = path.slice(0, -1).reduce(memberOf, document) as Record<string, unknown> | null | undefined;
  if (holder) holder[path.at(-1) as string] = null;
}
