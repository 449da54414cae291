import { z } from 'zod';
import type { Commands } from '../../domain/catalogue.js';
import type { Actor, Aggregate } from '../../domain/decider.js';
import type { RejectionCode } from '../../domain/rejections.js';
import { isWellFormed, malformedMessage } from './well-formed.js';

export type CommandType = keyof Commands;
export type CommandInput<Type extends CommandType> = z.input<Commands[Type]['input']>;

/** A command as a client, a reactor or an import sends it. */
export interface CommandRequest<Type extends CommandType = CommandType> {
  readonly type: Type;
  /** Not yet trusted: parsed with the command's schema, unknown keys refused. */
  readonly input: unknown;
  readonly actor: Actor;
  /** Given by the client: the same key of the same actor and command type has one effect (24 h). */
  readonly idempotencyKey?: string | undefined;
  /**
   * What makes the request the same again under its key, where the input holds what is made anew each time (a
   * password's hash); the parsed input unless given.
   */
  readonly sameness?: unknown;
  /** Given by a reactor: a command id derived from the cause has one effect. */
  readonly causation?: string;
  readonly correlation?: string;
  /** Revision that the caller's representation was of. */
  readonly ifMatch?: number | undefined;
  /** For imports: when the original happened, in ms since 1970. */
  readonly occurredAt?: number;
  readonly origin?: 'import';
}

/** What the caller of an accepted command is told. */
export interface CommandReply {
  /** What the command made or changed. */
  readonly id: string;
  readonly stream: string;
  /** Revision of the command's last event in its primary stream (of the head, where there was nothing to do). */
  readonly revision: number;
  /** Position of the command's last event, to wait for in queries: decimal. */
  readonly position: string;
  readonly [field: string]: unknown;
}

export interface CommandExecutor {
  /**
   * @throws {InvalidInput} if the input does not fit the command's schema
   * @throws {CommandRejected} if a rule refuses it, or the key was used with another input
   * @throws {OutcomeUnknown} if the store can't tell: send it again with the same key
   * @throws {StreamContended}
   */
  execute(request: CommandRequest): Promise<CommandReply>;
}

/** Executes commands in this process. */
export interface CommandPipeline extends CommandExecutor {
  /**
   * Executes commands of one primary stream in order and appends all their events in one append, or none.
   * @throws as `execute`; the first refusal refuses all
   */
  executeTogether(requests: readonly CommandRequest[]): Promise<CommandReply[]>;
  /** The state of a stream at its head, for those who must know it without deciding: an import, a reactor. */
  loadState<State>(aggregate: Aggregate<State>, stream: string): Promise<State>;
  /** Resolves once no command is in flight; new ones are refused. */
  drain(): Promise<void>;
}

export interface FieldError {
  /** Dotted path of the field; empty for the whole. */
  readonly field: string;
  readonly message: string;
}

/** The input of a command, a query or a frame does not fit its schema. */
export class InvalidInput extends Error {
  constructor(
    readonly errors: readonly FieldError[],
    /** Fields that must be there, when one of them is missing. */
    readonly required: readonly string[] = [],
  ) {
    super('The input is not valid.');
  }

  /** What a schema found wrong with an input: every field at fault, a missing one also with the list of those required. */
  static of(error: z.ZodError, schema: z.ZodType, input: unknown): InvalidInput {
    const required = requiredFields(schema);
    const given = typeof input === 'object' && input !== null ? input : {};
    const isMissing = (field: string) => !Object.hasOwn(given, field);
    const errors = error.issues.flatMap((issue): FieldError[] => {
      if (issue.code === 'unrecognized_keys') {
        return issue.keys.map((key) => ({ field: [...issue.path, key].join('.'), message: 'is not known' }));
      }
      const field = issue.path.join('.');
      const missing = issue.path.length === 1 && issue.code === 'invalid_type' && isMissing(field);
      return [{ field, message: missing ? 'is required' : issue.message }];
    });
    return new InvalidInput(errors, required.some(isMissing) ? required : []);
  }
}

/**
 * Parses what comes from outside. Beside what its schema says, all text in it must be well-formed.
 * @throws {InvalidInput} naming every field at fault
 */
export function parse<T>(schema: z.ZodType<T>, input: unknown): T {
  if (!isWellFormed(input)) throw malformedInput(schema, input);
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw InvalidInput.of(parsed.error, schema, input);
}

/** Names the fields that are not well-formed, and what the schema finds wrong with the others. */
function malformedInput(schema: z.ZodType, input: unknown): InvalidInput {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return new InvalidInput([malformed('')]);
  const fields = Object.entries(input);
  const errors = fields.filter(([name, value]) => !isWellFormed([name, value])).map(([name]) => malformed(name));
  const named = new Set(errors.map(({ field }) => field));
  const others = Object.fromEntries(fields.filter(([name]) => !named.has(name)));
  const { error } = schema.safeParse(others);
  const found = error ? InvalidInput.of(error, schema, input).errors : [];
  return new InvalidInput([...errors, ...found.filter(({ field }) => !named.has(field))]);
}

function malformed(field: string): FieldError {
  return { field, message: malformedMessage };
}

/** Fields that an object schema asks for. */
function requiredFields(schema: z.ZodType): string[] {
  if (!(schema instanceof z.ZodObject)) return [];
  return Object.entries(schema.shape)
    .filter(([, field]) => !(field as z.ZodType).safeParse(undefined).success)
    .map(([name]) => name);
}

/** Other processes kept appending to a stream for longer than a command waits; nothing was written. */
export class StreamContended extends Error {}

/** The process is about to end and takes no new commands; another one will. */
export class ShuttingDown extends Error {}

/** A read model that must be asked first is too far behind; nothing was written. */
export class ProjectionBehind extends Error {}

export class CommandRejected extends Error {
  constructor(
    readonly code: RejectionCode | 'idempotency-key-reused',
    readonly detail?: string,
    readonly field?: string,
  ) {
    super(detail ?? code);
  }
}
