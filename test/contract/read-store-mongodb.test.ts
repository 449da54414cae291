import { afterAll, beforeAll, describe } from 'vitest';
import { openMongo } from '../../src/mongodb/connection.js';
import { mongoReadStore } from '../../src/read-store/mongodb.js';
import { testDatabase } from '../fixtures/mongo-databases.js';
import { findServer } from '../fixtures/servers/find-server.js';
import { mongodb } from '../fixtures/servers/mongodb.js';
import type { TestServer } from '../fixtures/servers/server.js';
import { describeReadStore } from './read-store.js';

const source = await findServer(mongodb, 'the read store in MongoDB');

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
});
