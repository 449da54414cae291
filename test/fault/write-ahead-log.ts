import { open, readFile, truncate } from 'node:fs/promises';
import type { Random } from '../fixtures/random.js';

/** SQLite's write-ahead log, as https://www.sqlite.org/walformat.html tells it, and what a crash may leave of it. */

const headerBytes = 32;
const frameHeaderBytes = 24;

export interface WriteAheadLog {
  readonly pageBytes: number;
  /** How many pages it holds that are committed. */
  readonly frames: number;
  /** How many of these a checkpoint may have copied into the file: they were synced before. */
  readonly copied: number;
}

/** Of a database that no process has open any more, each of which was killed. */
export async function writeAheadLogOf(database: string): Promise<WriteAheadLog> {
  const header = (await readFile(`${database}-wal`)).subarray(0, headerBytes);
  const index = await readFile(`${database}-shm`);
  // The index is in the byte order of the machine: little-endian on those that tests run on.
  return { pageBytes: header.readUInt32BE(8), frames: index.readUInt32LE(16), copied: index.readUInt32LE(128) };
}

/** Where a frame begins, in bytes; frames count from 0. */
export function offsetOf({ pageBytes }: WriteAheadLog, frame: number): number {
  return headerBytes + frame * (frameHeaderBytes + pageBytes);
}

/** Takes away the end of a write-ahead log, writes over it, or turns a bit, behind what a checkpoint has relied on. */
export async function tear(database: string, random: Random): Promise<string> {
  const log = await writeAheadLogOf(database);
  const [from, to] = [offsetOf(log, log.copied), offsetOf(log, log.frames)];
  if (from === to) return 'nothing is left to be torn';
  // Most often near the end, where a crash tears.
  const offset = Math.max(from, to - Math.floor((to - from) * random.next() ** 3));
  const kind = random.pick(['cut', 'turned', 'written over']);
  if (kind === 'cut') {
    await truncate(`${database}-wal`, offset);
    return `${offset} of ${to} bytes are left`;
  }
  if (kind === 'turned') {
    const place = Math.min(offset, to - 1);
    await flipBit(`${database}-wal`, place, random.between(0, 7));
    return `a bit of byte ${place} of ${to} is turned`;
  }
  const garbage = Buffer.from(Array.from({ length: random.between(1, 20_000) }, () => random.between(0, 255)));
  await overwrite(`${database}-wal`, offset, garbage);
  return `${garbage.length} bytes are written over from ${offset} of ${to} on`;
}

/** Turns a bit of a file around. */
export async function flipBit(path: string, offset: number, bit: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, offset);
    byte.writeUInt8(byte.readUInt8() ^ (1 << bit));
    await file.write(byte, 0, 1, offset);
  } finally {
    await file.close();
  }
}

async function overwrite(path: string, offset: number, bytes: Buffer): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.write(bytes, 0, bytes.length, offset);
  } finally {
    await file.close();
  }
}
