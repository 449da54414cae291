import { Collection, MongoNetworkError } from 'mongodb';
import { afterAll, beforeAll, describe, it, onTestFinished, vi } from 'vitest';
import { openMongo } from '../../src/mongodb/connection.js';
import { mongoReadStore } from '../../src/read-store/mongodb.js';
import { testDatabase } from '../fixtures/mongo-databases.js';
import { Random } from '../fixtures/random.js';
import { findServer } from '../fixtures/servers/find-server.js';
import { mongodb } from '../fixtures/servers/mongodb.js';
import type { TestServer } from '../fixtures/servers/server.js';
import { expectToSurvive } from './projector-plague.js';
import { ProjectorWorld } from './projector-world.js';

const source = await findServer(mongodb, 'projectors over MongoDB');

/** Every so many bulk writes, the connection is lost in the middle. */
const writesBetweenLosses = 15;

/** Has some writes of documents done in part, and not answered. */
function loseConnections(random: Random): void {
  const { bulkWrite } = Collection.prototype;
  const losing = vi.spyOn(Collection.prototype, 'bulkWrite');
  onTestFinished(() => losing.mockRestore());
  losing.mockImplementation(async function (this: Collection, operations, options) {
    const isKept = this.collectionName === 'projections' || random.between(1, writesBetweenLosses) > 1;
    if (isKept) return bulkWrite.call(this, operations, options);
    const done = operations.slice(0, random.between(0, operations.length));
    if (done.length > 0) await bulkWrite.call(this, done, options).catch(() => undefined);
    throw new MongoNetworkError('lost in the middle of a write');
  });
}

describe.skipIf(!source)('the read models in MongoDB', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = (await source?.start()) as TestServer;
  });
  afterAll(() => server.stop());

  it('equal the fold of the log and a rebuild of it, whatever happened to the projector or its writes', async () => {
    loseConnections(new Random(1));
    const openWorld = () => {
      const database = testDatabase(server);
      onTestFinished(() => database.drop());
      return ProjectorWorld.open(async () => mongoReadStore(await openMongo(database)));
    };
    await expectToSurvive(openWorld, { runs: 8, mostSteps: 12, leavesPrefixes: false });
  }, 300_000);
});
