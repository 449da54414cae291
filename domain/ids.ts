import { z } from 'zod';

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A UUID in lower case; new ones are version 7, those derived from a cause version 8 (RFC 9562). */
export const uuid = z.string().regex(uuidPattern, 'must be a UUID in lower case');

export const personId = uuid;
export const channelId = uuid;
export const meetingId = uuid;
/** Rooms are named by 16 hex digits, short enough for a link. */
export const roomId = z.string().regex(/^[0-9a-f]{16}$/, 'must be 16 hex digits in lower case');
/** The place of an event in its stream: from 0, without gaps. */
export const revision = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
/** The place of an event in the whole log, as JSON holds it: a decimal. */
export const position = z.string().regex(/^(0|[1-9]\d{0,19})$/, 'must be a position of the log');
/** A moment in ISO 8601 with an offset or `Z`; kept and answered in UTC with milliseconds. */
export const instant = z.iso
  .datetime({ offset: true, message: 'must be an ISO 8601 time with an offset, such as 2030-01-31T09:30:00Z' })
  .transform((text) => new Date(text).toISOString());

/** The stream `<category>-<id>`; a category is camelCase and holds no `-`. */
export function streamName(category: string, id: string): string {
  return `${category}-${id}`;
}

/** @throws {Error} if the name has no category */
export function parseStreamName(stream: string): { category: string; id: string } {
  const dash = stream.indexOf('-');
  if (dash < 1) throw new Error(`not a stream name: ${stream}`);
  return { category: stream.slice(0, dash), id: stream.slice(dash + 1) };
}
