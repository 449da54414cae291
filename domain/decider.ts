import type { z } from 'zod';
import type { DomainEvent, RecordedEvent } from './event.js';
import type { PlatformRole } from './permissions.js';
import type { Rejection } from './rejections.js';

/**
 * An aggregate: how its stream's events fold into the state that its commands are decided on.
 * States hold no messages and no personal data.
 */
export interface Aggregate<State> {
  /** First part of its streams' names. */
  readonly category: string;
  /** Version of `State` and `evolve`; a snapshot of another version is thrown away. */
  readonly version: number;
  initialState(): State;
  /** May change the state that it is given, and returns it. */
  evolve(state: State, event: RecordedEvent): State;
  /** Revision of the last event that changed what clients see as the resource: its ETag. -1 before the first event. */
  changedAt(state: State): number;
  /** The state as JSON can hold it, and back. */
  toSnapshot(state: State): unknown;
  fromSnapshot(snapshot: never): State;
}

// biome-ignore lint/suspicious/noExplicitAny: a registry holds aggregates of every state
export type AnyAggregate = Aggregate<any>;

/** Declares an aggregate. A state that is plain JSON needs no snapshot functions. */
export function defineAggregate<State, Snapshot = State>(
  aggregate: Omit<Aggregate<State>, 'evolve' | 'toSnapshot' | 'fromSnapshot'> & {
    // biome-ignore lint/suspicious/noExplicitAny: each aggregate narrows to its own union of events
    evolve(state: State, event: any): State;
    toSnapshot?(state: State): Snapshot;
    fromSnapshot?(snapshot: Snapshot): State;
  },
): Aggregate<State> {
  return {
    toSnapshot: (state: State) => state,
    fromSnapshot: (snapshot: State) => snapshot,
    ...aggregate,
  } as Aggregate<State>;
}

/** Who acts: a person, or the system itself (reactors, imports, the CLI). */
export interface Actor {
  readonly id: string;
  readonly session?: string;
  /** On the platform, now; `member` unless told. */
  readonly role?: PlatformRole;
}

export const systemActor: Actor = { id: 'system' };

/** A command as `decide` gets it: time, actor and new ids come with it. */
export interface Command<Input> {
  readonly input: Input;
  readonly actor: Actor;
  /** When the command was taken, in ms since 1970; for an import, when the original happened. */
  readonly now: number;
  /** A new id for what the command makes, the same again when the command is sent again. */
  readonly newId: string;
  /** The revision that the caller's representation was of. */
  readonly ifMatch?: number | undefined;
  /** The primary stream's event that the command names, where `CommandDefinition.loads` asks for one and it exists. */
  readonly loaded?: RecordedEvent;
}

/** Events to append (none: all is as asked already), or why not. */
export type Decision = readonly DomainEvent[] | Rejection;

/** Another stream that a command reads, and perhaps appends to, beside its primary one. */
export interface NamedStream<State = unknown> {
  readonly stream: string;
  readonly aggregate: Aggregate<State>;
}

/**
 * What kind of thing a command does, by which its number is bounded for each person: `posting` within something that is
 * there, `creating` something to follow, `administering` all else.
 */
export type CommandClass = 'posting' | 'creating' | 'administering';

/** What the pipeline knows of a command. `Others` maps a name to the state of another stream. */
export interface CommandDefinition<
  Type extends string = string,
  Input = unknown,
  State = unknown,
  Reply extends object = object,
  Others extends Record<string, unknown> = Record<string, unknown>,
  Given = unknown,
> {
  readonly type: Type;
  /** From what a caller gives to what `decide` gets. */
  readonly input: z.ZodType<Input, Given>;
  readonly aggregate: Aggregate<State>;
  /** `system` commands are refused from clients. */
  readonly issuer: 'person' | 'system';
  readonly class: CommandClass;
  /** The id of the primary stream, after its category. `newId` is the one that `decide` gets. */
  streamId(input: Input, newId: string): string;
  /** How new ids of this command look: a UUID (version 7, or 8 when derived from an Idempotency-Key), or 16 hex digits. */
  readonly idForm: 'uuid' | 'hex16';
  others(input: Input, newId: string): { readonly [Name in keyof Others]: NamedStream<Others[Name]> };
  /** Revision of an earlier event of the primary stream that `decide` must know. */
  loads(input: Input): number | undefined;
  decide(state: State, command: Command<Input>, others: Others): Decision;
  /**
   * What the caller is told beside `{id, stream, revision, position}`: the id of what was made or changed, and its fields.
   * Made from the recorded events of the command alone, so that a retry is told the same.
   */
  reply(events: readonly RecordedEvent[], input: Input): Reply & { readonly id: string };
}

// biome-ignore lint/suspicious/noExplicitAny: a registry holds commands of every shape
export type AnyCommandDefinition = CommandDefinition<any, any, any, any, any, any>;

export interface CommandOptions<
  Type extends string,
  Input,
  State,
  Reply extends object,
  Others extends Record<string, unknown>,
  Given,
> extends Partial<
    Pick<
      CommandDefinition<Type, NoInfer<Input>, State, Reply, Others>,
      'issuer' | 'class' | 'idForm' | 'others' | 'loads'
    >
  > {
  readonly type: Type;
  readonly input: z.ZodType<Input, Given>;
  readonly aggregate: Aggregate<State>;
  streamId(input: NoInfer<Input>, newId: string): string;
  decide(state: NoInfer<State>, command: Command<NoInfer<Input>>, others: Others): Decision;
  reply(events: readonly RecordedEvent[], input: NoInfer<Input>): Reply & { readonly id: string };
}

/** Declares a command `<context>.<Imperative>`. */
export function defineCommand<
  const Type extends string,
  Input,
  State,
  Reply extends object,
  Others extends Record<string, unknown> = Record<never, never>,
  Given = unknown,
>(
  options: CommandOptions<Type, Input, State, Reply, Others, Given>,
): CommandDefinition<Type, Input, State, Reply, Others, Given> {
  return {
    issuer: 'person',
    class: 'administering',
    idForm: 'uuid',
    others: () => ({}) as never,
    loads: () => undefined,
    ...options,
  };
}

/** The event, for another stream than the command's primary one. */
export function onStream<Event extends DomainEvent>(stream: string, event: Event): Event & { stream: string } {
  return { ...event, stream };
}
