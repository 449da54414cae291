/** How deep what clients send may be nested. */
const mostLevels = 32;

export const malformedMessage = 'must not hold NUL, half characters, or too many levels';

/**
 * Whether all text in a value is text: without NUL, at which others end it, and without half characters (unpaired
 * surrogates), which UTF-8 can't hold. Neither could be stored and read again as it was. And whether the value is
 * shallow enough for whatever goes through it by recursion.
 */
export function isWellFormed(value: unknown, levels = mostLevels): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0');
  if (typeof value !== 'object' || value === null) return true;
  if (levels === 0) return false;
  if (Array.isArray(value)) return value.every((item) => isWellFormed(item, levels - 1));
  return Object.entries(value).every(([key, item]) => isWellFormed(key) && isWellFormed(item, levels - 1));
}
