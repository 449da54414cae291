import type { z } from 'zod';
import { Refused } from '../problems.js';

/** Where a list goes on, as clients get it: opaque, in base64url. */
export function encodeCursor(place: unknown): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** @throws {Refused} if it is not a cursor of this kind of list */
export function decodeCursor<Place>(cursor: string, schema: z.ZodType<Place>): Place {
  const parsed = schema.safeParse(parseBase64Json(cursor));
  if (!parsed.success) throw new Refused('bad-cursor');
  return parsed.data;
}

function parseBase64Json(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
