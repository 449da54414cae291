import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { MasterKey } from '../../src/keys/master-keys.js';
import { openMongoKeys } from '../../src/keys/mongodb.js';
import { type KeyStore, KeysUnusable } from '../../src/keys/port.js';
import { type MongoDatabase, openMongo } from '../../src/mongodb/connection.js';
import { type TestDatabase, testDatabase } from '../fixtures/mongo-databases.js';
import { findServer } from '../fixtures/servers/find-server.js';
import { mongodb } from '../fixtures/servers/mongodb.js';
import type { TestServer } from '../fixtures/servers/server.js';
import { keysContract } from './keys.js';

const source = await findServer(mongodb, 'the key store in MongoDB');

const first: MasterKey = { version: 1, key: Buffer.alloc(32, 'first') };

describe.skipIf(!source)('MongoDB', { timeout: 120_000 }, () => {
  let server: TestServer;
  beforeAll(async () => {
    server = (await source?.start()) as TestServer;
  });
  afterAll(() => server.stop());

  keysContract('MongoDB', async () => {
    const database = testDatabase(server);
    return {
      open: async (masterKeys) => openMongoKeys(await openMongo(database), masterKeys),
      remove: () => database.drop(),
    };
  });

  describe('beyond the contract', () => {
    let database: TestDatabase;
    let connection: MongoDatabase;
    let opened: KeyStore[];
    beforeEach(async () => {
      database = testDatabase(server);
      connection = await openMongo(database);
      opened = [];
    });
    afterEach(async () => {
      for (const keys of opened) await keys.close();
      await connection.db.dropDatabase();
      await connection.close();
    });

    const openKeys = async (masterKey: MasterKey = first) => {
      const keys = await openMongoKeys(await openMongo(database), masterKey);
      opened.push(keys);
      return keys;
    };
    /** All that the database holds, as bytes. */
    const stored = async () => {
      const found: unknown[] = [];
      for (const name of ['masters', 'subjects', 'secrets'])
        found.push(...(await connection.db.collection(name).find().toArray()));
      return JSON.stringify(found, (_, value) =>
        value?.type === 'Buffer' ? Buffer.from(value).toString('hex') : value,
      );
    };

    test('is made by one of those who open it at once with different master keys', async () => {
      const opening = ['a', 'b', 'c'].map((fill) => openKeys({ version: 1, key: Buffer.alloc(32, fill) }));
      const outcomes = (await Promise.allSettled(opening)).map(({ status }) => status);
      expect(outcomes.sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
    });

    test('holds no key in clear', async () => {
      const keys = await openKeys();
      await keys.ensure(['ada']);
      const key = (await keys.get(['ada'])).get('ada') as Buffer;
      const secret = await keys.secret('reservations');
      const everything = await stored();
      expect(everything).toContain('ada');
      expect(everything).toMatch(/"wrapped":"[0-9a-f]{120}"/);
      expect(everything).not.toContain(key.toString('hex'));
      expect(everything).not.toContain(secret.toString('hex'));
    });

    test('holds nothing of a destroyed key, not even wrapped', async () => {
      const keys = await openKeys();
      await keys.ensure(['ada']);
      await keys.destroy(['ada']);
      expect(await connection.db.collection('subjects').find().toArray()).toEqual([
        { _id: 'ada', masterVersion: null, wrapped: null },
      ]);
    });

    test("notices a damaged key, and does not take one subject's for another's", async () => {
      const keys = await openKeys();
      await keys.ensure(['ada', 'bob', 'eve']);
      await keys.secret('commands');
      const subjects = connection.db.collection<{ _id: string; wrapped: Buffer }>('subjects');
      const [bob, eve] = await Promise.all(['bob', 'eve'].map((_id) => subjects.findOne({ _id })));
      await subjects.updateOne({ _id: 'ada' }, { $set: { wrapped: bob?.wrapped as Buffer } });
      const damaged = Buffer.from(eve?.wrapped as Buffer);
      damaged[20] = (damaged[20] as number) ^ 1;
      await subjects.updateOne({ _id: 'eve' }, { $set: { wrapped: damaged } });
      await expect(keys.get(['ada'])).rejects.toThrow('The key of subject ada in MongoDB at');
      await expect(keys.get(['eve'])).rejects.toThrow(KeysUnusable);
      expect((await keys.get(['bob'])).get('bob')).toHaveLength(32);
      const secrets = connection.db.collection<{ _id: string }>('secrets');
      await secrets.updateOne({ _id: 'commands' }, { $set: { wrapped: damaged } });
      await expect(keys.secret('commands')).rejects.toThrow('The key of secret commands');
    });
  });
});
