import type { AccessChange } from '../../domain/access.js';
import type { Audience } from '../../domain/event.js';

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

export const watchedSubject = 'parley.watched';

export const announcementSubject = 'parley.announcements';

/** Stream names hold nothing that a subject may not; other ids are to be encoded before they become one. */
export function feedSubject(feed: string): string {
  return `parley.feed.${feed}`;
}
