import { z } from 'zod';
import { type AccessChange, feedRoles, visibilities } from '../../domain/access.js';
import { type Audience, audiences } from '../../domain/event.js';
import type { Topic } from './port.js';

/** What travels on the broker, and under which subject. */

/** One event of a feed, published by the process that appended it. */
export interface FeedMessage {
  readonly feed: string;
  readonly revision: number;
  readonly position: string;
  readonly audience: Audience;
  /** The frame as JSON text, made once for all subscribers. */
  readonly frame: string;
  /** What the event changes in who may see the feed. */
  readonly access: readonly AccessChange[];
}

/** A stretch of the log that the relay has read, and the last revision of each feed and each watched stream in it. */
export interface Announcement {
  /** Events after this position, */
  readonly after: string;
  /** up to and with this one. Equal when nothing was appended: a sign of life. */
  readonly through: string;
  readonly heads: Readonly<Record<string, number>>;
}

/** A stream that every process keeps current has come to this revision; nothing of what the event tells. */
export interface WatchedMessage {
  readonly stream: string;
  readonly revision: number;
}

const revision = z.int().min(0);
const position = z.string().regex(/^\d+$/);

const accessChange = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('visibility'), visibility: z.enum(visibilities) }),
  z.strictObject({ kind: z.literal('joined'), person: z.string(), role: z.enum(feedRoles) }),
  z.strictObject({ kind: z.literal('left'), person: z.string() }),
  z.strictObject({ kind: z.literal('role'), person: z.string(), role: z.enum(feedRoles) }),
]) satisfies z.ZodType<AccessChange>;

const feedMessage: z.ZodType<FeedMessage> = z.strictObject({
  feed: z.string(),
  revision,
  position,
  audience: z.enum(audiences),
  frame: z.string(),
  access: z.array(accessChange),
});

const announcement: z.ZodType<Announcement> = z.strictObject({
  after: position,
  through: position,
  heads: z.record(z.string(), revision),
});

const watchedMessage: z.ZodType<WatchedMessage> = z.strictObject({ stream: z.string(), revision });

export const watchedTopic: Topic<WatchedMessage> = { subject: 'watched', message: watchedMessage };

export const announcementTopic: Topic<Announcement> = { subject: 'announcements', message: announcement };

export function feedTopic(feed: string): Topic<FeedMessage> {
  return { subject: `feed.${subjectToken(feed)}`, message: feedMessage };
}

/** Any text as one token of a subject; different texts have different tokens. */
export function subjectToken(text: string): string {
  const escaped = text.replace(
    /[^A-Za-z0-9_-]/g,
    (character) => `=${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return escaped === '' ? '=' : escaped;
}
