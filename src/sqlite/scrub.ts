import { setTimeout as delay } from 'node:timers/promises';
import { openWriter, type Writer } from './connection.js';
import { isBusy } from './database.js';

/** How long to go on trying while other connections write or read. */
const patienceMs = 5_000;
const retryMs = 20;

/**
 * Leaves nothing in the file, nor in its write-ahead log, of what was deleted or replaced before. Secure deletion alone
 * does not: where SQLite moves rows from one page to another, their bytes stay in the first one. Takes as long as
 * writing the file anew, in which nobody else can write.
 * @throws {Error} `SQLITE_BUSY` if others kept it from that for 5 s; or what else failed
 */
export async function scrub(path: string): Promise<void> {
  const writer = openWriter(path, 0);
  try {
    await writer.exec('PRAGMA synchronous = FULL');
    (await writer.prepare('PRAGMA secure_delete = ON')).get([]);
    await untilDone(() => writer.exec('VACUUM').then(() => true));
    // Brings most of it into the file, off the event loop.
    await writer.exec('PRAGMA wal_checkpoint(PASSIVE)');
    await untilDone(() => emptyJournal(writer));
  } finally {
    writer.close();
  }
}

/** @returns false while someone still reads from the write-ahead log */
async function emptyJournal(writer: Writer): Promise<boolean> {
  const result = (await writer.prepare('PRAGMA wal_checkpoint(TRUNCATE)')).get([]);
  return result?.[0] === 0;
}

async function untilDone(attempt: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const late = performance.now() > deadline;
    try {
      if (await attempt()) return;
      if (late) throw Object.assign(new Error('others read from the write-ahead log'), { code: 'SQLITE_BUSY' });
    } catch (error) {
      if (!isBusy(error) || late) throw error;
    }
    await delay(retryMs);
  }
}
