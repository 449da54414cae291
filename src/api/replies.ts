import { z } from 'zod';
import { encodeCursor } from './cursor.js';

/** Shapes that answers share. */

/** What every accepted command answers, beside the fields of what it made. */
export const commandReply = z.object({
  id: z.string().meta({ description: 'What the command made or changed.' }),
  stream: z.string().meta({ description: 'The feed in which it happened.' }),
  revision: z.number().int().meta({ description: 'Place of its last event in the stream.' }),
  position: z.string().meta({ description: 'To send as Parley-Position with queries that must know of it.' }),
});

/** Another person, as anyone sees them; all but the id is null once forgotten. */
export const person = z.object({
  id: z.string(),
  name: z.string().nullable(),
  username: z.string().nullable(),
  avatar: z.string().nullable(),
});
export type Person = z.infer<typeof person>;

const defaultLimit = 50;
const maxLimit = 200;

/** What every list may be asked. */
export const page = z.strictObject({
  limit: z.coerce
    .number({ error: 'must be a number' })
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .max(maxLimit, `must be at most ${maxLimit}`)
    .default(defaultLimit),
  cursor: z.string().max(1_000).optional().meta({ description: 'The `next` of the page before.' }),
});

export type Page = z.infer<typeof page>;

/** A list; `next` is the cursor of the next page, null on the last one. */
export function listOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), next: z.string().nullable() });
}

/**
 * What a page shows of what was found, for which one more than it shows was looked for.
 * @param placeOf - where a list goes on behind this one
 */
export function pageOf<Found>(
  found: readonly Found[],
  limit: number,
  placeOf: (last: Found) => unknown,
): { readonly shown: readonly Found[]; readonly next: string | null } {
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  return { shown, next: found.length > limit && last !== undefined ? encodeCursor(placeOf(last)) : null };
}

export interface List<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}
