import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ReadStoreUnusable } from '../../src/read-store/port.js';
import { openSqliteReadStore } from '../../src/read-store/sqlite.js';
import { selectFor } from '../../src/read-store/sqlite-query.js';
import { collectionTable, tableOf } from '../../src/read-store/sqlite-schema.js';
import { describeReadStore } from './read-store.js';

describeReadStore('SQLite', { hasMoments: true }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'parley-read-store-'));
  return {
    open: () => openSqliteReadStore(join(directory, 'read-models.db')),
    remove: () => rm(directory, { recursive: true }),
  };
});

describe('the file of the read store', () => {
  let directory: string;
  let path: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'parley-read-store-'));
    path = join(directory, 'read-models.db');
  });
  afterEach(() => rm(directory, { recursive: true }));

  const shape = { name: 'fruits', version: 1, collections: [{ name: 'apples', indexes: [] }] };

  it('can be read by its owner alone', async () => {
    const store = await openSqliteReadStore(path);
    await store.open(shape);
    for (const file of [path, `${path}-wal`]) expect((await stat(file)).mode & 0o077).toBe(0);
    await store.close();
  });

  describe('once something is erased', () => {
    const mark = 'a secret of hers';
    /** Random and of many lengths: SQLite moves rows from page to page. */
    const ids = Array.from({ length: 4_000 }, () => randomUUID());
    const documentOf = (index: number, text: string | null) => ({ text, filler: 'x'.repeat((index * 37) % 400) });

    const filled = async () => {
      const store = await openSqliteReadStore(path);
      const live = await store.open(shape);
      for (let from = 0; from < ids.length; from += 100) {
        const writes = ids.slice(from, from + 100).map((id, index) => {
          const document = documentOf(from + index, index % 3 === 0 ? mark : 'nothing');
          return { collection: 'apples', id, document };
        });
        await store.write(live, writes, BigInt(from + 1));
      }
      const writes = ids.map((id, index) => ({ collection: 'apples', id, document: documentOf(index, null) }));
      const erase = () => store.write(live, writes, 10_000n, { erasing: true });
      return { store, live, erase };
    };
    const traces = async () => {
      const files = (await readdir(directory)).map((name) => readFile(join(directory, name)));
      return (
        Buffer.concat(await Promise.all(files))
          .toString('latin1')
          .split(mark).length - 1
      );
    };
    const clean = () => vi.waitFor(async () => expect(await traces()).toBe(0), { timeout: 20_000, interval: 50 });

    it('holds nothing of it soon after, nor do the files beside it', async () => {
      const { store, erase } = await filled();
      expect(await traces()).toBeGreaterThan(1_000);
      await erase();
      await clean();
      await store.close();
    });

    it('holds nothing of a generation that was dropped unfinished', async () => {
      const store = await openSqliteReadStore(path);
      await store.open(shape);
      const unfinished = await store.begin(shape);
      const writes = ids.map((id, index) => ({ collection: 'apples', id, document: documentOf(index, mark) }));
      await store.write(unfinished, writes, 1n);
      expect(await traces()).toBeGreaterThan(1_000);
      await store.discardUnfinished(shape.name);
      await clean();
      await store.close();
    });

    it('holds nothing of it after the next start, if the process ended before', async () => {
      const { store, erase } = await filled();
      await erase();
      await store.close();
      expect(await traces()).toBeGreaterThan(0);
      const again = await openSqliteReadStore(path);
      await clean();
      await again.close();
    });

    it('goes on being read and written', async () => {
      const { store, live, erase } = await filled();
      const other = await openSqliteReadStore(path);
      await erase();
      let position = 10_000n;
      const cleaned = clean();
      let busy = true;
      void cleaned.finally(() => {
        busy = false;
      });
      while (busy) {
        position += 1n;
        const write = { collection: 'apples', id: 'last', document: { at: String(position) } };
        await (position % 2n === 0n ? store : other).write(live, [write], position);
        expect(await other.read((reader) => reader.get('apples', 'last'))).toEqual(write.document);
        await setImmediate();
      }
      await cleaned;
      expect(await store.checkpoint(live)).toBe(position);
      await other.close();
      await store.close();
    });
  });

  it.each([
    ['no database', () => writeFile(path, 'not a database '.repeat(1_000))],
    ['a database of another program', async () => void new Database(path).exec('CREATE TABLE other (a)')],
  ])('is refused where it is %s, with the advice to delete it', async (_what, make) => {
    await make();
    await expect(openSqliteReadStore(path)).rejects.toThrow(ReadStoreUnusable);
    await expect(openSqliteReadStore(path)).rejects.toThrow('delete it');
    await rm(path);
    await (await openSqliteReadStore(path)).close();
  });

  it('is told to be unusable when it turns out to be damaged', async () => {
    const store = await openSqliteReadStore(path);
    const live = await store.open(shape);
    const document = { text: 'x'.repeat(1_000) };
    const writes = Array.from({ length: 500 }, (_, n) => ({ collection: 'apples', id: `${n}`, document }));
    await store.write(live, writes, 1n);
    await store.close();
    await truncate(path, 40 * 1024);
    const reopening = openSqliteReadStore(path).then(async (damaged) => {
      try {
        for await (const _ of damaged.dump(live));
      } finally {
        await damaged.close();
      }
    });
    await expect(reopening).rejects.toThrow(ReadStoreUnusable);
  });

  it('takes up its write-ahead log while it is written, which so does not grow for ever', async () => {
    const store = await openSqliteReadStore(path);
    const live = await store.open(shape);
    const document = { text: 'x'.repeat(1_000) };
    let largest = 0;
    for (let position = 1; position <= 1_500; position += 1) {
      await store.write(live, [{ collection: 'apples', id: `${position}`, document }], BigInt(position));
      largest = Math.max(largest, (await stat(`${path}-wal`)).size);
    }
    await store.close();
    expect(largest).toBeLessThan(10 * 1024 * 1024);
  });

  it('is not made where its directory is missing', async () => {
    await expect(openSqliteReadStore(join(directory, 'none', 'read-models.db'))).rejects.toThrow('ENOENT');
  });

  it('answers queries on an index from the index, in its order', () => {
    const database = new Database(':memory:');
    database.exec(collectionTable('apples', [['colour', 'weight']], 1));
    const { sql, parameters } = selectFor(tableOf('apples', 1), {
      where: { colour: 'red' },
      orderBy: 'weight',
      after: { value: 1, id: 'a' },
      limit: 10,
    });
    const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters) as { detail: string }[];
    const steps = plan.map(({ detail }) => detail).join('; ');
    expect(steps).toContain('USING INDEX apples_1_by_colour_weight');
    expect(steps).not.toContain('TEMP B-TREE');
    database.close();
  });
});
