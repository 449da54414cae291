import { createHmac, type KeyObject } from 'node:crypto';
import { commands } from '../../domain/catalogue.js';
import type { AnyCommandDefinition, Command, NamedStream } from '../../domain/decider.js';
import type { RecordedEvent } from '../../domain/event.js';
import { streamName } from '../../domain/ids.js';
import { identify } from './command-id.js';
import type { Unit } from './mailbox.js';
import { type CommandReply, type CommandRequest, InvalidInput, parse } from './port.js';

/** A command between its parsing and its answer. */
export interface PendingCommand {
  readonly definition: AnyCommandDefinition;
  readonly request: CommandRequest;
  readonly command: Command<unknown>;
  readonly commandId: string;
  readonly repeatable: boolean;
  /** HMAC of what makes the request the same again. */
  readonly hash: string;
  /** The primary stream. */
  readonly stream: string;
  readonly others: Readonly<Record<string, NamedStream>>;
  readonly namesOthers: boolean;
  /** Revision of the event that `decide` must know, where there is one. */
  readonly loads: number | undefined;
}

/**
 * The stream that a request's command is decided on; for one that makes something new without a key, another each time.
 * @throws {InvalidInput} if there is no such command or its input does not fit
 */
export function primaryStreamOf(request: CommandRequest): string {
  const { definition, input } = parseRequest(request);
  return streamOf(definition, input, identify(request, definition).newId);
}

/**
 * Parses a request and resolves its ids and streams.
 * @throws {InvalidInput} if there is no such command or its input does not fit
 */
export function pend(request: CommandRequest, hashKey: KeyObject, now: number): PendingCommand {
  const { definition, input } = parseRequest(request);
  const { commandId, repeatable, newId } = identify(request, definition);
  const { actor, ifMatch } = request;
  const others = definition.others(input, newId);
  return {
    definition,
    request,
    command: { input, actor, now: request.occurredAt ?? now, newId, ifMatch },
    commandId,
    repeatable,
    hash: createHmac('sha256', hashKey)
      .update(JSON.stringify(request.sameness ?? input))
      .digest('base64url'),
    stream: streamOf(definition, input, newId),
    others,
    namesOthers: Object.keys(others).length > 0,
    loads: definition.loads(input),
  };
}

function parseRequest(request: CommandRequest): { definition: AnyCommandDefinition; input: unknown } {
  const definition = commands.get(request.type);
  if (!definition) throw new InvalidInput([{ field: 'type', message: `there is no command ${request.type}` }]);
  return { definition, input: parse(definition.input, request.input) };
}

function streamOf({ aggregate, streamId }: AnyCommandDefinition, input: unknown, newId: string): string {
  return streamName(aggregate.category, streamId(input, newId));
}

/** One command, or those of an `executeTogether`, waiting in a mailbox for their answers. */
export class PendingUnit implements Unit {
  readonly batchable: boolean;
  readonly answered: Promise<CommandReply[]>;
  #resolve!: (replies: CommandReply[]) => void;
  #reject!: (error: unknown) => void;

  constructor(readonly commands: readonly PendingCommand[]) {
    this.batchable = commands.length === 1 && !(commands[0] as PendingCommand).namesOthers;
    this.answered = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  answer(replies: CommandReply[]): void {
    this.#resolve(replies);
  }

  refuse(error: unknown): void {
    this.#reject(error);
  }
}

/** What the caller is told, made from the command's events in its primary stream; `head` where it made none. */
export function replyOf(
  { definition, command, stream }: PendingCommand,
  events: readonly RecordedEvent[],
  head: { revision: number; position: bigint },
): CommandReply {
  const { revision, position } = events.at(-1) ?? head;
  const reply: { -readonly [Field in keyof CommandReply]: CommandReply[Field] } = definition.reply(
    events,
    command.input,
  );
  reply.stream = stream;
  reply.revision = revision;
  reply.position = String(position);
  return reply;
}
