import { v7 } from 'uuid';
import { RandomPool } from '../random-pool.js';

const randomness = new RandomPool(16, 256);

/** A new UUID of version 7 (RFC 9562). */
export function newUuid(): string {
  return v7({ random: randomness.next() });
}
