import { setImmediate } from 'node:timers/promises';
import { type Collection, Collection as DriverCollection } from 'mongodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type MongoDatabase, openMongo } from '../../src/mongodb/connection.js';
import { type MongoReadStoreOptions, mongoReadStore } from '../../src/read-store/mongodb.js';
import {
  prepare,
  type StoredDocument,
  storedCollection,
  writeGuarded,
} from '../../src/read-store/mongodb-documents.js';
import {
  type DocumentWrite,
  type Generation,
  GenerationChanged,
  NotIndexed,
  type ReadStore,
} from '../../src/read-store/port.js';
import { type TestDatabase, testDatabase } from '../fixtures/mongo-databases.js';
import { findServer } from '../fixtures/servers/find-server.js';
import { mongodb } from '../fixtures/servers/mongodb.js';
import type { TestServer } from '../fixtures/servers/server.js';
import { describeReadStore } from './read-store.js';

const source = await findServer(mongodb, 'the read store in MongoDB');

const fruits = { name: 'fruits', version: 1, collections: [{ name: 'apples', indexes: [['colour']] }] };
const apple = (id: string, document: DocumentWrite['document']): DocumentWrite => ({
  collection: 'apples',
  id,
  document,
});

describe.skipIf(!source)('MongoDB', { timeout: 120_000 }, () => {
  let server: TestServer;
  beforeAll(async () => {
    server = (await source?.start()) as TestServer;
  });
  afterAll(() => server.stop());

  describeReadStore('MongoDB', { hasMoments: false }, async () => {
    const database = testDatabase(server);
    return { open: async () => mongoReadStore(await openMongo(database)), remove: () => database.drop() };
  });

  describe('beyond the contract', () => {
    let database: TestDatabase;
    let connection: MongoDatabase;
    let store: ReadStore;
    let live: Generation;
    let stored: Collection<StoredDocument>;

    beforeEach(async () => {
      database = testDatabase(server);
      connection = await openMongo(database);
      store = mongoReadStore(await openMongo(database));
      live = await store.open(fruits);
      stored = storedCollection(connection.db, 'apples', live.generation);
    });
    afterEach(async () => {
      await store.close();
      await connection.db.dropDatabase();
      await connection.close();
    });

    const openAnother = async (options?: MongoReadStoreOptions) => {
      const other = mongoReadStore(await openMongo(database), options);
      onTestFinished(() => other.close());
      await other.open(fruits);
      return other;
    };
    const get = (id: string) => store.read((reader) => reader.get('apples', id));
    /** Writes documents as a process does that ends before it writes the checkpoint. */
    const writePartly = (writes: readonly DocumentWrite[], position: bigint) =>
      writeGuarded(
        stored,
        writes.map((write) => prepare(write, ['colour'], new Date())),
        position,
      );

    it('changes nothing of what was written of a batch before a crash when the batch is repeated', async () => {
      await store.write(live, [apple('a', { n: 1 }), apple('b', { n: 1 })], 5n);
      await writePartly([apple('a', { n: 7 }), apple('b', undefined), apple('c', { n: 7 })], 7n);
      const repeated = ['a', 'b', 'c', 'd'].map((id) => apple(id, { repeated: true }));
      await store.write(live, repeated, 7n);
      expect(await get('a')).toEqual({ n: 7 });
      expect(await get('b')).toBeUndefined();
      expect(await get('c')).toEqual({ n: 7 });
      expect(await get('d')).toEqual({ repeated: true });
      expect(await store.checkpoint(live)).toBe(7n);
    });

    it('tells of documents that are ahead of the checkpoint how far they are, deleted ones too', async () => {
      await store.write(live, [apple('a', { n: 1 }), apple('b', { n: 1 })], 5n);
      await writePartly([apple('a', { n: 7 }), apple('b', undefined)], 7n);
      expect(await store.load(live, 'apples', ['a', 'b', 'c'])).toEqual(
        new Map([
          ['a', { document: { n: 7 }, position: 7n }],
          ['b', { document: undefined, position: 7n }],
          ['c', { document: undefined, position: 5n }],
        ]),
      );
    });

    it('dumps no documents that are ahead of the checkpoint', async () => {
      await store.write(live, [apple('a', { n: 1 })], 5n);
      await writePartly([apple('b', { n: 7 })], 7n);
      const dumping = (async () => {
        for await (const _ of store.dump(live));
      })();
      await expect(dumping).rejects.toThrow(GenerationChanged);
    });

    it('lets a batch of other bounds go on from what was written of one before a crash', async () => {
      await writePartly([apple('a', { n: 7 }), apple('b', { n: 7 })], 7n);
      await store.write(live, [apple('a', { n: 6 }), apple('c', { n: 6 })], 6n);
      await store.write(live, [apple('b', { n: 9 })], 9n);
      expect([await get('a'), await get('b'), await get('c')]).toEqual([{ n: 7 }, { n: 9 }, { n: 6 }]);
    });

    it('replaces an older document that was inserted at the same time', async () => {
      const older = prepare(apple('a', { n: 1 }), ['colour'], new Date());
      onTestFinished(() => void vi.restoreAllMocks());
      vi.spyOn(DriverCollection.prototype, 'bulkWrite').mockImplementationOnce(async function (this: DriverCollection) {
        await stored.insertOne({ _id: 'a', position: 1n, ...older.content });
        // Nothing was found to be replaced before, but now the insertion is refused.
        return this.bulkWrite([{ insertOne: { document: { _id: 'a' as never } } }], { ordered: false });
      });
      await store.write(live, [apple('a', { n: 2 })], 2n);
      expect(await get('a')).toEqual({ n: 2 });
    });

    describe('a deletion', () => {
      it('is not undone by a write that comes late', async () => {
        await store.write(live, [apple('a', { n: 1 })], 5n);
        await store.write(live, [apple('a', undefined)], 10n);
        await writePartly([apple('a', { n: 8 })], 8n);
        expect(await get('a')).toBeUndefined();
        expect(await store.read((reader) => reader.getMany('apples', ['a']))).toEqual(new Map());
        expect(await store.read((reader) => reader.find('apples', { limit: 10 }))).toEqual([]);
        expect(await store.read((reader) => reader.find('apples', { where: { colour: null }, limit: 10 }))).toEqual([]);
      });

      it('is remembered as long as a write may be under way, and until the checkpoint has passed it', async () => {
        const [mindful, forgetful] = [await openAnother(), await openAnother({ rememberMs: 0 })];
        const remembered = () => stored.countDocuments({ deletedAt: { $ne: null } as never });
        await store.write(live, [apple('a', {}), apple('b', {}), apple('c', {})], 5n);
        await store.write(live, [apple('a', undefined)], 6n);
        await mindful.write(live, [apple('x', {})], 7n);
        await mindful.close();
        expect(await remembered()).toBe(1);
        await writePartly([apple('b', undefined)], 9n);
        await forgetful.write(live, [apple('y', {})], 8n);
        await vi.waitFor(async () => expect(await remembered()).toBe(1));
        expect(await stored.findOne({ _id: 'b' })).toMatchObject({ position: 9n });
        await forgetful.write(live, [apple('z', {})], 9n);
        await vi.waitFor(async () => expect(await remembered()).toBe(0));
        expect(await store.read((reader) => reader.find('apples', { limit: 10 }))).toHaveLength(4);
      });

      it('is followed by a new document of the same id', async () => {
        await store.write(live, [apple('a', { n: 1 })], 5n);
        await store.write(live, [apple('a', undefined)], 6n);
        await store.write(live, [apple('a', { colour: 'red' })], 7n);
        const found = await store.read((reader) => reader.find('apples', { where: { colour: 'red' }, limit: 10 }));
        expect(found).toEqual([{ id: 'a', document: { colour: 'red' } }]);
      });
    });

    it('has a writer that was stopped for long look again before it writes on', async () => {
      const late = await openAnother();
      const many = Array.from({ length: 1_001 }, (_, n) => apple(`late ${n}`, {}));
      onTestFinished(() => void vi.restoreAllMocks());
      vi.spyOn(DriverCollection.prototype, 'bulkWrite').mockImplementationOnce(async function (
        this: DriverCollection,
        ...first
      ) {
        const result = await this.bulkWrite(...first);
        // Stopped here, while another process goes on.
        await store.write(live, [apple('a', {})], 9n);
        vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 60_000);
        return result;
      });
      await late.write(live, many, 8n);
      expect(await get('late 0')).toEqual({});
      expect(await get('late 1000')).toBeUndefined();
      expect(await store.checkpoint(live)).toBe(9n);
    });

    describe('a generation that was replaced', () => {
      it('is dropped once no read that has begun before can be under way', async () => {
        const hasty = await openAnother({ retirementMs: 0 });
        await hasty.write(live, [apple('a', {})], 5n);
        const next = await hasty.begin(fruits);
        await hasty.promote(next);
        const names = async () =>
          (await connection.db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name);
        await vi.waitFor(async () => expect(await names()).not.toContain(`apples_${live.generation}`));
        expect(await names()).toContain(`apples_${next.generation}`);
        const retired = async () => (await connection.db.collection('projections').findOne())?.retired;
        await vi.waitFor(async () => expect(await retired()).toEqual({}));
      });

      it('is dropped by who opens the projection next, where the process that replaced it has ended', async () => {
        await store.promote(await store.begin(fruits));
        await openAnother({ retirementMs: 0 });
        const found = connection.db.listCollections({ name: `apples_${live.generation}` });
        await vi.waitFor(async () => expect(await found.toArray()).toEqual([]));
      });

      it('is not read for longer than it is there', async () => {
        const hasty = await openAnother({ retirementMs: 0 });
        const reading = hasty.read(async (reader) => {
          await reader.get('apples', 'a');
          await setImmediate();
          await new Promise((resolve) => setTimeout(resolve, 5));
          return reader.get('apples', 'a');
        });
        await expect(reading).rejects.toThrow('took so long');
      });
    });

    describe('an index', () => {
      it('that was added has the projection built anew, and is not used before', async () => {
        await store.write(live, [apple('a', { colour: 'red', weight: 1 })], 5n);
        const more = { ...fruits, collections: [{ name: 'apples', indexes: [['colour'], ['weight']] }] };
        const before = await store.open(more);
        expect(before.generation).toBe(live.generation);
        expect(before.version).not.toBe(more.version);
        const find = () => store.read((reader) => reader.find('apples', { where: { weight: 1 }, limit: 1 }));
        await expect(find()).rejects.toThrow(NotIndexed);
        const next = await store.begin(more);
        await store.write(next, [apple('a', { colour: 'red', weight: 1 })], 5n);
        await store.promote(next);
        expect(await find()).toEqual([{ id: 'a', document: { colour: 'red', weight: 1 } }]);
        expect(await store.open(more)).toEqual(next);
      });

      it('is made of the fields that the projection declares', async () => {
        const shape = {
          name: 'stones',
          version: 1,
          collections: [{ name: 'marbles', indexes: [['a', 'b.c'], ['d']] }],
        };
        const { generation } = await store.open(shape);
        const indexes = await storedCollection(connection.db, 'marbles', generation).listIndexes().toArray();
        expect(indexes.map(({ key }) => key)).toEqual(
          expect.arrayContaining([
            { 'fields.a': 1, 'fields.b_c': 1, _id: 1 },
            { 'fields.d': 1, _id: 1 },
          ]),
        );
      });
    });

    it('refuses an id that is no Unicode, since another one would become the same', async () => {
      await expect(store.write(live, [apple('a\uD800', {})], 1n)).rejects.toThrow('no Unicode');
    });
  });
});
