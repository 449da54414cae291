import { z } from 'zod';
import type { BareFrame, Frame } from '../../domain/frame.js';
import { revision } from '../../domain/ids.js';
import type { CommandReply } from '../commands/port.js';
import type { Problem } from '../problems.js';

/** Every message between clients and the edge: JSON in text frames, told apart by `op`. */

/** The stream `<category>-<id>` to follow. */
const feed = z
  .string()
  .regex(/^[a-z][A-Za-z]*-[0-9A-Za-z-]+$/, 'must be the name of a feed')
  .max(100);
/** Chosen by the client; its answer carries it. */
const id = z.string().min(1).max(64);

/** What clients send, by op. */
export const clientMessages = {
  /** The first message, for clients that can't set an `Authorization` header: an access token, or a ticket. */
  authenticate: z
    .strictObject({
      op: z.literal('authenticate'),
      token: z.string().min(1).max(4_096).optional(),
      ticket: z.string().min(1).max(4_096).optional(),
    })
    .refine(({ token, ticket }) => (token === undefined) !== (ticket === undefined), {
      path: ['token'],
      message: 'or ticket is required, and only one of them',
    }),
  /**
   * Follows a feed: `from` a revision on, or with a `snapshot` of its state and from there on, or (with neither) with
   * what comes next.
   */
  subscribe: z
    .strictObject({
      op: z.literal('subscribe'),
      feed,
      /** First revision wanted. */
      from: revision.optional(),
      snapshot: z.boolean().optional(),
    })
    .refine(({ from, snapshot }) => from === undefined || !snapshot, {
      path: ['snapshot'],
      message: 'can not be asked for together with from',
    }),
  unsubscribe: z.strictObject({ op: z.literal('unsubscribe'), feed }),
  command: z.strictObject({
    op: z.literal('command'),
    id,
    type: z.string().max(100),
    /** Checked by the command's own schema. */
    input: z.unknown(),
    idempotencyKey: z.string().min(1).max(200).optional(),
    ifMatch: revision.optional(),
  }),
  ping: z.strictObject({ op: z.literal('ping') }),
} as const;

export type ClientOp = keyof typeof clientMessages;
export type ClientMessage<Op extends ClientOp = ClientOp> = { [O in Op]: z.output<(typeof clientMessages)[O]> }[Op];

export interface AuthenticatedMessage {
  readonly op: 'authenticated';
  readonly personId: string;
  /** ISO 8601; the socket is closed then. */
  readonly expiresAt: string;
}

/** The next frame is that of `revision + 1`. */
export interface SubscribedMessage {
  readonly op: 'subscribed';
  readonly feed: string;
  readonly revision: number;
}

/** The feed's state after `revision`, as the subscriber may see it. */
export interface SnapshotMessage {
  readonly op: 'snapshot';
  readonly feed: string;
  readonly revision: number;
  readonly state: unknown;
}

/** No more frames of the feed come; with a problem where that was not asked for. */
export interface UnsubscribedMessage {
  readonly op: 'unsubscribed';
  readonly feed: string;
  readonly problem?: Problem;
}

export interface ReplyMessage {
  readonly op: 'reply';
  readonly id: string;
  readonly reply: CommandReply;
}

/** The message with this id, or that was about this feed, was refused. */
export interface ErrorMessage {
  readonly op: 'error';
  readonly id?: string;
  readonly feed?: string;
  readonly problem: Problem;
}

export interface PongMessage {
  readonly op: 'pong';
}

/** What the edge sends. Of an event that is not for the subscriber, the bare frame. */
export type ServerMessage =
  | AuthenticatedMessage
  | SubscribedMessage
  | SnapshotMessage
  | UnsubscribedMessage
  | ReplyMessage
  | ErrorMessage
  | PongMessage
  | Frame
  | BareFrame;
