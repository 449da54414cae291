import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'libsql';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { MasterKey } from '../../src/keys/master-keys.js';
import type { KeyStore } from '../../src/keys/port.js';
import { openSqliteKeys } from '../../src/keys/sqlite.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';

/** What holds for the key store in SQLite beyond its contract. */

const first: MasterKey = { version: 1, key: Buffer.alloc(32, 'first') };
const second: MasterKey = { version: 2, key: Buffer.alloc(32, 'second') };

async function keysPath(): Promise<string> {
  return join(await temporaryDirectory(), 'keys.db');
}

async function openKeys(path: string, masterKeys: MasterKey | MasterKey[]): Promise<KeyStore> {
  const keys = await openSqliteKeys(path, masterKeys);
  onTestFinished(() => keys.close());
  return keys;
}

/** The bytes under which a subject's key is kept. */
function wrappedKey(path: string, subject: string): Buffer {
  const database = new Database(path);
  const row = database.prepare('SELECT wrapped FROM subjects WHERE subject = ?').raw().get(subject) as unknown;
  database.close();
  return (row as [Buffer])[0];
}

describe('the file', () => {
  test('holds no key in clear', async () => {
    const path = await keysPath();
    const keys = await openSqliteKeys(path, first);
    await keys.ensure(['ada']);
    const key = (await keys.get(['ada'])).get('ada') as Buffer;
    const secret = await keys.secret('reservations');
    await keys.close();
    const file = await readFile(path);
    expect(file.includes('ada')).toBe(true);
    expect(file.includes(key)).toBe(false);
    expect(file.includes(secret)).toBe(false);
  });

  /** Enough that SQLite moves keys from page to page. */
  const people = Array.from({ length: 2_000 }, (_, index) => randomUUID().slice(0, 8) + 'x'.repeat((index * 7) % 60));
  const forgotten = people.filter((_, index) => index % 2 === 0);

  /** How much is still to be read of keys, in the file and its write-ahead log. */
  const written = async (path: string, wrapped: readonly Buffer[]) => {
    const bytes = Buffer.concat([await readFile(path), await readFile(`${path}-wal`).catch(() => Buffer.alloc(0))]);
    // SQLite itself overwrites some bytes of what it deletes.
    const parts = wrapped.flatMap((key) => [0, 15, 30, 45].map((part) => key.subarray(part, part + 15)));
    return parts.filter((part) => bytes.includes(part)).length;
  };

  test('holds nothing of a destroyed key, not even wrapped, also in its write-ahead log', async () => {
    const path = await keysPath();
    const keys = await openKeys(path, first);
    for (let made = 0; made < people.length; made += 100) await keys.ensure(people.slice(made, made + 100));
    const [destroyed, kept] = [forgotten, people.filter((_, index) => index % 200 === 1)].map((subjects) =>
      subjects.map((subject) => wrappedKey(path, subject)),
    ) as [Buffer[], Buffer[]];
    expect(await written(path, destroyed)).toBe(4 * forgotten.length);
    await keys.destroy(forgotten);
    expect(await written(path, destroyed)).toBe(0);
    expect(await written(path, kept)).toBe(4 * kept.length);
  });

  test('holds nothing of keys as they were under an older master key, once they are wrapped by a newer one', async () => {
    const path = await keysPath();
    await (await openKeys(path, first)).ensure(people);
    const wrapped = people.filter((_, index) => index % 20 === 0).map((subject) => wrappedKey(path, subject));
    expect(await written(path, wrapped)).toBe(4 * wrapped.length);
    await (await openKeys(path, [first, second])).rewrap();
    expect(await written(path, wrapped)).toBe(0);
  });

  test('is cleaned of destroyed keys the next time, if the process ended before it was', async () => {
    const path = await keysPath();
    const keys = await openKeys(path, first);
    await keys.ensure(people);
    const wrapped = wrappedKey(path, people[0] as string);
    const database = new Database(path);
    database.exec(
      `INSERT INTO unscrubbed VALUES ('${people[0]}');
       UPDATE subjects SET master_version = NULL, wrapped = NULL WHERE subject = '${people[0]}'`,
    );
    database.close();
    expect(await written(path, [wrapped])).toBeGreaterThan(0);
    await keys.destroy([people[0] as string]);
    expect(await written(path, [wrapped])).toBe(0);
  });

  test("does not take one subject's key for another's", async () => {
    const path = await keysPath();
    const keys = await openKeys(path, first);
    await keys.ensure(['ada', 'bob']);
    const database = new Database(path);
    database.exec(
      "UPDATE subjects SET wrapped = (SELECT wrapped FROM subjects WHERE subject = 'bob') WHERE subject = 'ada'",
    );
    database.close();
    await expect(keys.get(['ada'])).rejects.toThrow('The key of subject ada');
  });

  test('is refused if it is the event log', async () => {
    const path = await keysPath();
    const log = new Database(path);
    log.exec('CREATE TABLE events (position INTEGER)');
    log.close();
    await expect(openSqliteKeys(path, first)).rejects.toThrow("is not Parley's key store");
  });
});
