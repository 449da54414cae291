import { v7 } from 'uuid';
import { RandomPool } from '../random-pool.js';

const randomness = new RandomPool(16, 256);
const bytes = Buffer.alloc(16);

/** The place of an id among those of its millisecond has so many values. */
const places = 2 ** 32;

/** Where the last id was: its time, in ms since 1970, and its place in that millisecond. */
const last = { msecs: Number.NEGATIVE_INFINITY, seq: 0 };

/**
 * A new UUID of version 7, above all that this process has made before: also within a millisecond, and where the clock
 * was set back (RFC 9562, section 6.2).
 */
export function newUuid(): string {
  const random = randomness.next();
  // By random steps, since an id may be an invitation that nobody must guess from another one.
  const next = last.seq + 1 + random.readUInt16BE(6);
  const now = Date.now();
  if (now <= last.msecs && next < places) last.seq = next;
  else {
    last.msecs = Math.max(now, last.msecs + 1);
    last.seq = random.readUInt32BE(6) >>> 1;
  }
  return uuidOf(v7({ random, msecs: last.msecs, seq: last.seq }, bytes));
}

/** How the first 16 bytes are written as a UUID. */
export function uuidOf(bytes: Buffer): string {
  const hex = bytes.toString('hex', 0, 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
