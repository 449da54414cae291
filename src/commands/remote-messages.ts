import { z } from 'zod';
import type { Actor } from '../../domain/decider.js';
import { platformRoles } from '../../domain/permissions.js';
import { rejectionCodes } from '../../domain/rejections.js';
import type { Service, Topic } from '../broker/port.js';
import { subjectToken } from '../broker/subjects.js';
import { SubjectForgotten } from '../event-store/codec.js';
import { EventTooLarge, OutcomeUnknown } from '../event-store/port.js';
import { ServerUnavailable } from '../server-unavailable.js';
import {
  CommandRejected,
  type CommandReply,
  type CommandRequest,
  type CommandType,
  InvalidInput,
  ProjectionBehind,
  ShuttingDown,
  StreamContended,
} from './port.js';

/** What processes say to each other to have commands executed. They trust each other: the actor comes as data. */

/** A process that executes commands says so, again and again, and once that it does so no longer. */
export interface CommandServer {
  readonly id: string;
  readonly serving: boolean;
}

export const commandServerTopic: Topic<CommandServer> = {
  subject: 'command-servers',
  message: z.strictObject({ id: z.string(), serving: z.boolean() }),
};

const actorFields = {
  id: z.string(),
  session: z.string().exactOptional(),
  role: z.enum(platformRoles).exactOptional(),
} satisfies Record<keyof Actor, z.ZodType>;

const requestFields = {
  type: z.string() as unknown as z.ZodType<CommandType>,
  input: z.unknown(),
  actor: z.strictObject(actorFields),
  idempotencyKey: z.string().exactOptional(),
  sameness: z.unknown().exactOptional(),
  causation: z.string().exactOptional(),
  correlation: z.string().exactOptional(),
  ifMatch: z.int().exactOptional(),
  occurredAt: z.number().exactOptional(),
  origin: z.literal('import').exactOptional(),
} satisfies Record<keyof CommandRequest, z.ZodType>;

const commandReply: z.ZodType<CommandReply> = z.looseObject({
  id: z.string(),
  stream: z.string(),
  revision: z.int(),
  position: z.string(),
});

const refusal = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('rejected'),
    code: z.enum([...rejectionCodes, 'idempotency-key-reused']),
    detail: z.string().exactOptional(),
    field: z.string().exactOptional(),
  }),
  z.strictObject({
    kind: z.literal('invalid-input'),
    errors: z.array(z.strictObject({ field: z.string(), message: z.string() })),
    required: z.array(z.string()),
  }),
  z.strictObject({ kind: z.literal('too-large'), bytes: z.int() }),
  z.strictObject({ kind: z.literal('forgotten'), subject: z.string() }),
  z.strictObject({
    kind: z.enum(['outcome-unknown', 'shutting-down', 'projection-behind', 'contended', 'unavailable', 'failed']),
    message: z.string(),
  }),
]);

/** Why a command was not executed, as data. */
export type Refusal = z.infer<typeof refusal>;

export type CommandAnswer =
  | { readonly accepted: CommandReply; readonly refused?: never }
  | { readonly refused: Refusal; readonly accepted?: never };

const commandAnswer: z.ZodType<CommandAnswer> = z.union([
  z.strictObject({ accepted: commandReply }),
  z.strictObject({ refused: refusal }),
]);

/** Where commands are executed: by this one server, or by any. */
export function commandService(server?: string): Service<CommandRequest, CommandAnswer> {
  return {
    subject: server === undefined ? 'commands' : `commands.${subjectToken(server)}`,
    question: z.strictObject(requestFields),
    answer: commandAnswer,
  };
}

/** The kinds that have nothing to say but their message. */
const plainErrors = {
  'outcome-unknown': OutcomeUnknown,
  'shutting-down': ShuttingDown,
  contended: StreamContended,
  'projection-behind': ProjectionBehind,
  unavailable: ServerUnavailable,
} as const;

/** What is told of an error; of one that nobody foresaw, nothing. */
export function toRefusal(error: unknown): Refusal {
  if (error instanceof CommandRejected) {
    const { code, detail, field } = error;
    return {
      kind: 'rejected',
      code,
      ...(detail !== undefined && { detail }),
      ...(field !== undefined && { field }),
    };
  }
  if (error instanceof InvalidInput) {
    return { kind: 'invalid-input', errors: [...error.errors], required: [...error.required] };
  }
  if (error instanceof EventTooLarge) return { kind: 'too-large', bytes: error.bytes };
  if (error instanceof SubjectForgotten) return { kind: 'forgotten', subject: error.subject };
  for (const [kind, type] of Object.entries(plainErrors)) {
    if (error instanceof type) return { kind: kind as keyof typeof plainErrors, message: error.message };
  }
  return { kind: 'failed', message: '' };
}

/** The error that was told of. */
export function fromRefusal(told: Refusal): Error {
  switch (told.kind) {
    case 'rejected':
      return new CommandRejected(told.code, told.detail, told.field);
    case 'invalid-input':
      return new InvalidInput(told.errors, told.required);
    case 'too-large':
      return new EventTooLarge(told.bytes);
    case 'forgotten':
      return new SubjectForgotten(told.subject);
    case 'failed':
      return new Error('the command failed in the process that executed it, whose log says why');
    default:
      return new plainErrors[told.kind](told.message);
  }
}
