import { z } from 'zod';

/** What a password may be made of. The least length is a setting, down to this one. */
export const leastPasswordLength = 6;
const maxLength = 256;

/** A password that is being chosen: any text without NUL. Its characters are Unicode's code points. */
export function newPassword(minLength: number): z.ZodType<string> {
  return z
    .string()
    .refine((text) => lengthOf(text) >= minLength, `must be at least ${minLength} characters`)
    .refine((text) => lengthOf(text) <= maxLength, `must be at most ${maxLength} characters`)
    .refine((text) => text.isWellFormed() && !text.includes('\0'), 'must be text, without NUL')
    .meta({ minLength, maxLength });
}

/** A password that is being tried: whatever once could be one. */
export const givenPassword: z.ZodType<string> = z
  .string()
  .refine((text) => lengthOf(text) <= maxLength, `must be at most ${maxLength} characters`)
  .meta({ maxLength });

function lengthOf(text: string): number {
  // A text of a million characters is not to be counted.
  return text.length > 2 * maxLength ? Number.POSITIVE_INFINITY : [...text].length;
}
