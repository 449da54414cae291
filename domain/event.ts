import type { z } from 'zod';
import type { AccessChange } from './access.js';

/**
 * What is kept beside each event. A flat map of strings, since KurrentDB's append to several streams takes nothing else.
 */
export interface EventMetadata {
  /** The command that caused this event; equal for all events of one command. */
  readonly commandId: string;
  readonly commandType: string;
  /** HMAC-SHA256 of the command's input, base64url: tells a retry from a reused Idempotency-Key. */
  readonly commandHash: string;
  /** The person who acted, or `system`. */
  readonly actor: string;
  readonly session?: string;
  /** The id of the event that made a reactor issue the command. */
  readonly causation?: string;
  readonly correlation: string;
  /** When it happened, ISO 8601 in UTC; an import keeps the original time. */
  readonly occurredAt: string;
  /** When it was stored here, ISO 8601 in UTC with milliseconds. */
  readonly recordedAt: string;
  readonly origin?: 'import';
  /** Version of the event type's data schema, from 1. */
  readonly version: string;
  /** Hash of the event before it in its stream as stored, base64url; empty at revision 0. */
  readonly prevHash: string;
}

/** Where a UUID has its version. */
const versionDigit = 14;

/**
 * Whether the event's command may be sent again and is then to be recognised: ids derived from an Idempotency-Key or a
 * cause are of version 8. Imports know their own progress.
 */
export function isRepeatable({ commandId, origin }: EventMetadata): boolean {
  return commandId[versionDigit] === '8' && origin !== 'import';
}

/** An event that a decider decided, not yet stored. `stream` is set only where it is not the command's primary stream. */
export interface DomainEvent<Type extends string = string, Data = unknown> {
  readonly type: Type;
  readonly data: Data;
  readonly stream?: string;
}

/** An event as read from the log: of the current version, opened where its keys still exist. */
export interface RecordedEvent<Type extends string = string, Data = unknown> {
  readonly id: string;
  readonly type: Type;
  readonly data: Data;
  readonly stream: string;
  /** Place in the stream, from 0. */
  readonly revision: number;
  /** Place in the whole log. */
  readonly position: bigint;
  readonly metadata: EventMetadata;
}

/** Who may see an event's frame; to all others of the feed it goes out as `{feed, revision}`. */
export const audiences = ['followers', 'moderators', 'nobody'] as const;
export type Audience = (typeof audiences)[number];

/** The public body of an event on the wire; its shape is versioned apart from the event's. */
export type FrameBody = Readonly<Record<string, unknown>>;

export interface EventDefinition<Type extends string = string, Data = unknown> {
  /** Makes an undecided event of this type for the command's primary stream. */
  (data: Data): DomainEvent<Type, Data>;
  readonly type: Type;
  /** Version of `schema`, from 1; older ones are brought up by `upcasters[version - 1]`. */
  readonly version: number;
  readonly schema: z.ZodType<Data>;
  /** Each personal field, with the field that names the person whose it is. Those fields are `null` once the person is forgotten. */
  readonly personal: Readonly<Record<string, string>>;
  /** The field that names a person who is forgotten with this event: their personal fields are `null` from then on. */
  readonly forgets: string | undefined;
  readonly upcasters: readonly ((old: never) => unknown)[];
  readonly audience: Audience;
  readonly frameVersion: number;
  toFrame(event: RecordedEvent<Type, Data>): FrameBody;
  /** What the event changes in who may see its feed. */
  access(event: RecordedEvent<Type, Data>): readonly AccessChange[];
}

// biome-ignore lint/suspicious/noExplicitAny: a registry holds definitions of every shape
export type AnyEventDefinition = EventDefinition<any, any>;

type PersonalFields<Data> = { readonly [Field in keyof Data & string]?: keyof Data & string };

export interface EventOptions<Type extends string, Data> {
  readonly type: Type;
  readonly version?: number;
  readonly data: z.ZodType<Data>;
  readonly personal?: PersonalFields<Data>;
  readonly forgets?: keyof Data & string;
  readonly upcasters?: readonly ((old: never) => unknown)[];
  readonly audience: Audience;
  readonly frameVersion?: number;
  readonly toFrame?: (event: RecordedEvent<Type, Data>) => FrameBody;
  readonly access?: (event: RecordedEvent<Type, Data>) => readonly AccessChange[];
}

const noChange: readonly AccessChange[] = [];

/** Declares an event type `<context>.<PastTense>`: its schema, whose its personal fields are, who may see it and as what. */
export function defineEvent<const Type extends string, Data extends object>(
  options: EventOptions<Type, Data>,
): EventDefinition<Type, Data> {
  const { type } = options;
  const definition = (data: Data): DomainEvent<Type, Data> => ({ type, data });
  return Object.assign(definition, {
    type,
    version: options.version ?? 1,
    schema: options.data,
    personal: (options.personal ?? {}) as Record<string, string>,
    forgets: options.forgets,
    upcasters: options.upcasters ?? [],
    audience: options.audience,
    frameVersion: options.frameVersion ?? 1,
    toFrame: options.toFrame ?? ((event: RecordedEvent<Type, Data>) => event.data as FrameBody),
    access: options.access ?? (() => noChange),
  });
}

/** The types of events that forget someone. */
export function forgettingTypes(definitions: ReadonlyMap<string, AnyEventDefinition>): ReadonlySet<string> {
  return new Set([...definitions].flatMap(([type, { forgets }]) => (forgets === undefined ? [] : [type])));
}

/** The union of the recorded events of a map of definitions: what `evolve` switches on. */
export type RecordedOf<Definitions extends Record<string, AnyEventDefinition>> = {
  [Name in keyof Definitions]: Definitions[Name] extends EventDefinition<infer Type, infer Data>
    ? RecordedEvent<Type, Data>
    : never;
}[keyof Definitions];

/**
 * The first of the events that is of this type, as a command's reply needs it.
 * @throws {Error} if there is none: the command's decider did not make what its reply tells of
 */
export function eventOf<Type extends string, Data>(
  definition: EventDefinition<Type, Data>,
  events: readonly RecordedEvent[],
): RecordedEvent<Type, Data> {
  const found = events.find((event) => event.type === definition.type);
  if (!found) throw new Error(`no ${definition.type} among the events of the command`);
  return found as RecordedEvent<Type, Data>;
}
