import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const bytesOfId = 16;
/** Random bytes are drawn for many ids at once: a draw costs more than all the rest of an id. */
const pool = Buffer.alloc(256 * bytesOfId);
let used = pool.length;

/** A new UUID of version 7 (RFC 9562). */
export function newUuid(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const random = pool.subarray(used, used + bytesOfId);
  used += bytesOfId;
  return v7({ random });
}
