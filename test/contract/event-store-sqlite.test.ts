import { copyFile, mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'libsql';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { EventStore } from '../../src/event-store/port.js';
import { openSqliteEventStore } from '../../src/event-store/sqlite.js';
import { logFormat } from '../../src/event-store/sqlite-log.js';
import { openSqlite, StoreUnusable } from '../../src/sqlite/database.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { encodedEvents, followed } from './event-store.js';

/** What holds for the event store in SQLite beyond its contract. */

async function openStore(path: string): Promise<EventStore> {
  const store = await openSqliteEventStore(path);
  onTestFinished(() => store.close());
  return store;
}

async function logPath(): Promise<string> {
  return join(await temporaryDirectory(), 'log.db');
}

describe('the file', () => {
  test('is written with a write-ahead log and a sync for each commit', async () => {
    const path = await logPath();
    const database = await openSqlite(path, logFormat);
    onTestFinished(() => database.close());
    expect((await database.writer.prepare('PRAGMA synchronous')).get([])).toEqual([2]);
    expect((await database.writer.prepare('PRAGMA journal_mode')).get([])).toEqual(['wal']);
  });

  test('is refused if it is not a database', async () => {
    const path = await logPath();
    await writeFile(path, 'these are my notes, '.repeat(1_000));
    await expect(openSqliteEventStore(path)).rejects.toThrow(StoreUnusable);
    await expect(openSqliteEventStore(path)).rejects.toThrow(`The event log ${path} is damaged or not a database`);
    expect(await readFile(path, 'utf8')).toBe('these are my notes, '.repeat(1_000));
  });

  test('is refused if it is damaged', async () => {
    const path = await logPath();
    const store = await openSqliteEventStore(path);
    await store.append([{ stream: 'thing-1', expectedRevision: -1, events: encodedEvents(500) }]);
    await store.close();
    await truncate(path, 8_192);
    await expect(openSqliteEventStore(path)).rejects.toThrow(`The event log ${path} is damaged`);
  });

  test('is refused if it is the database of another program', async () => {
    const path = await logPath();
    const other = new Database(path);
    other.exec('CREATE TABLE recipes (name TEXT)');
    other.close();
    await expect(openSqliteEventStore(path)).rejects.toThrow(`${path} is not Parley's event log but another database`);
  });

  test('is refused if it has a format of another version', async () => {
    const path = await logPath();
    await (await openSqliteEventStore(path)).close();
    const later = new Database(path);
    later.exec('PRAGMA user_version = 2');
    later.close();
    await expect(openSqliteEventStore(path)).rejects.toThrow('has format 2, this Parley knows 1');
  });

  test('is refused, and its lock let go, so that it can be used once it is put right', async () => {
    const path = await logPath();
    await (await openSqliteEventStore(path)).close();
    const database = new Database(path);
    database.exec('PRAGMA user_version = 2');
    await expect(openSqliteEventStore(path)).rejects.toThrow(StoreUnusable);
    database.exec('PRAGMA user_version = 1');
    database.close();
    expect(await (await openStore(path)).head()).toBe(0n);
  });

  test('is asked for by name if its directory is missing, or a directory has its name', async () => {
    const directory = await temporaryDirectory();
    const missing = join(directory, 'missing', 'log.db');
    await expect(openSqliteEventStore(missing)).rejects.toThrow(`The event log ${missing} can't be opened`);
    const occupied = join(directory, 'log.db');
    await mkdir(occupied);
    await expect(openSqliteEventStore(occupied)).rejects.toThrow(`The event log ${occupied} can't be opened`);
  });

  test('holds everything by itself after closing, so that it can be copied', async () => {
    const path = await logPath();
    const store = await openSqliteEventStore(path);
    const stored = await store.append([{ stream: 'thing-1', expectedRevision: -1, events: encodedEvents(3) }]);
    await store.close();
    const copy = await logPath();
    await copyFile(path, copy);
    expect(await (await openStore(copy)).readAll(0n, 10)).toEqual(stored);
  });

  test('may be made by several at once', async () => {
    const path = await logPath();
    const stores = await Promise.all(Array.from({ length: 4 }, () => openStore(path)));
    for (const store of stores) expect(await store.head()).toBe(0n);
  });
});

describe('positions', () => {
  test('follow each other without gaps, also after refused appends', async () => {
    const store = await openStore(await logPath());
    for (const expectedRevision of [-1, -1, 0, 0, 1]) {
      await store.append([{ stream: 'thing-1', expectedRevision, events: encodedEvents(1) }]).catch(() => {});
    }
    expect((await store.readAll(0n, 10)).map(({ position }) => position)).toEqual([1n, 2n, 3n]);
  });
});

describe('recent events', () => {
  test('are the very objects that the append returned', async () => {
    const store = await openStore(await logPath());
    const following = followed(store, 3);
    const stored = await store.append([{ stream: 'thing-1', expectedRevision: -1, events: encodedEvents(3) }]);
    for (const events of [await store.readAll(0n, 10), await following]) {
      expect(events).toHaveLength(3);
      for (const [index, event] of events.entries()) expect(event).toBe(stored[index]);
    }
  });

  test('of others in between are read from the file, in their place', async () => {
    const path = await logPath();
    const [ours, theirs] = [await openStore(path), await openStore(path)];
    for (let revision = -1; revision < 20; revision += 1) {
      const store = revision % 3 === 0 ? theirs : ours;
      await store.append([{ stream: 'thing-1', expectedRevision: revision, events: encodedEvents(1) }]);
      for (const reader of [ours, theirs]) {
        const all = await reader.readAll(0n, 100);
        expect(all.map((event) => event.revision)).toEqual(Array.from({ length: revision + 2 }, (_, index) => index));
        expect(all).toEqual(await reader.readStream('thing-1', { limit: 100 }));
      }
    }
  });

  test('are limited in number, and give way to the file without a gap', async () => {
    const store = await openStore(await logPath());
    const count = 5_000;
    for (let revision = -1; revision < count - 1; revision += 500) {
      await store.append([{ stream: 'thing-1', expectedRevision: revision, events: encodedEvents(500) }]);
    }
    for (const after of [0, 1, 2_900, 2_951, 2_952, 2_953, 4_000, 4_999, 5_000]) {
      const page = await store.readAll(BigInt(after), 700);
      const expected = Math.min(700, count - after);
      expect(page.map(({ position }) => Number(position))).toEqual(
        Array.from({ length: expected }, (_, index) => after + 1 + index),
      );
    }
  });

  test('are not given out before they are committed', async () => {
    const store = await openStore(await logPath());
    await store.append([{ stream: 'thing-1', expectedRevision: -1, events: encodedEvents(1) }]);
    for (let revision = 0; revision < 50; revision += 1) {
      const append = store.append([{ stream: 'thing-1', expectedRevision: revision, events: encodedEvents(1) }]);
      // Whatever is seen at any moment, the file has it.
      for (let turn = 0; turn < 5; turn += 1) {
        const [seen, committed] = await Promise.all([
          store.readAll(0n, 100),
          store.readStream('thing-1', { limit: 100 }),
        ]);
        expect(seen.length).toBeLessThanOrEqual(committed.length);
        await new Promise(setImmediate);
      }
      await append;
    }
  });
});

test('a follower gets what its own process appends without looking into the file from time to time', async () => {
  vi.useFakeTimers({ toFake: ['setInterval'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const store = await openStore(await logPath());
  const following = followed(store, 2);
  await delay(5);
  const stored = await store.append([{ stream: 'thing-1', expectedRevision: -1, events: encodedEvents(2) }]);
  expect(await following).toEqual(stored);
});

describe('another process', () => {
  test('that writes for a while is waited for', async () => {
    const path = await logPath();
    const store = await openStore(path);
    const other = new Database(path);
    onTestFinished(() => {
      other.close();
    });
    other.exec('BEGIN IMMEDIATE');
    const append = store.append([{ stream: 'thing-1', expectedRevision: -1, events: encodedEvents(1) }]);
    await delay(50);
    expect(await store.head()).toBe(0n);
    other.exec('COMMIT');
    expect(await append).toHaveLength(1);
  });
});
