import { afterAll, beforeAll, describe } from 'vitest';
import { MongoLeases } from '../../src/leases/mongodb.js';
import { openMongo } from '../../src/mongodb/connection.js';
import { type TestDatabase, testDatabase } from '../fixtures/mongo-databases.js';
import { findServer } from '../fixtures/servers/find-server.js';
import { mongodb } from '../fixtures/servers/mongodb.js';
import type { TestServer } from '../fixtures/servers/server.js';
import { leaseStoreContract } from './leases.js';

const source = await findServer(mongodb, 'the leases in MongoDB');

describe.skipIf(!source)('MongoDB', { timeout: 120_000 }, () => {
  let server: TestServer;
  let database: TestDatabase;
  beforeAll(async () => {
    server = (await source?.start()) as TestServer;
    database = testDatabase(server);
  });
  afterAll(async () => {
    await database.drop();
    await server.stop();
  });
  leaseStoreContract(async () => new MongoLeases(await openMongo(database)));
});
