import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Query } from '../../projections/reader.js';
import { openMongo } from '../../src/mongodb/connection.js';
import { mongoReadStore } from '../../src/read-store/mongodb.js';
import type { ReadStore } from '../../src/read-store/port.js';
import { openSqliteReadStore } from '../../src/read-store/sqlite.js';
import { testDatabase } from '../fixtures/mongo-databases.js';
import { findServer } from '../fixtures/servers/find-server.js';
import { mongodb } from '../fixtures/servers/mongodb.js';
import type { TestServer } from '../fixtures/servers/server.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';

const source = await findServer(mongodb, 'queries in MongoDB');

const fields = ['a', 'b', 'c.d', 'c.e.f'] as const;
const shape = {
  name: 'things',
  version: 1,
  collections: [{ name: 'things', indexes: [[...fields], ...fields.map((field) => [field])] }],
};

/** Of one or two characters, so that many are equal or begin alike; none that servers put in different places. */
const text = fc.string({ unit: fc.constantFrom('a', 'b', 'A', '1', ' ', '~', 'ä', '字', '\u{1F600}'), maxLength: 2 });
const number = fc.oneof(fc.integer({ min: -2, max: 2 }), fc.constantFrom(0.5, -0.5, 2 ** 53 - 1, 1e21, -1e-7));
const scalar = fc.oneof(text, number, fc.boolean(), fc.constant(null));
const structure = fc.oneof(fc.array(scalar, { maxLength: 2 }), fc.record({ f: scalar }), fc.record({ x: scalar }));
const value = fc.oneof({ weight: 4, arbitrary: scalar }, { weight: 1, arbitrary: structure });

const document = fc.record(
  { a: value, b: value, c: fc.oneof(value, fc.record({ d: value, e: value }, { requiredKeys: [] })), '$x.y': value },
  { requiredKeys: [] },
);
/** Ids are of the same few characters, and none is empty. */
const id = text.filter((text) => text !== '');
const documents = fc.dictionary(id, document, { maxKeys: 12, noNullPrototype: true });

const query: fc.Arbitrary<Query> = fc
  .record(
    {
      where: fc.dictionary(fc.constantFrom(...fields), scalar, { maxKeys: 2, noNullPrototype: true }),
      idAfter: text,
      idBefore: text,
      orderBy: fc.constantFrom(...fields),
      descending: fc.boolean(),
      after: fc.record({ value: fc.oneof(text, number), id: text }),
      limit: fc.nat({ max: 6 }),
    },
    { requiredKeys: ['limit'] },
  )
  .map((query) => query as Query);

async function answersOf(store: ReadStore, stored: Record<string, object>, queries: readonly Query[]) {
  const generation = await store.begin(shape);
  const writes = Object.entries(stored).map(([id, document]) => ({
    collection: 'things',
    id,
    document: document as never,
  }));
  await store.write(generation, writes, 1n);
  await store.promote(generation);
  return store.read(async (reader) => {
    const answers: unknown[] = [];
    for (const query of queries) answers.push(await reader.find('things', query));
    return answers;
  });
}

describe.skipIf(!source)('queries', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = (await source?.start()) as TestServer;
  });
  afterAll(() => server.stop());

  it('are answered by MongoDB as by SQLite', async () => {
    const database = testDatabase(server);
    const inMongo = mongoReadStore(await openMongo(database));
    const inSqlite = await openSqliteReadStore(join(await temporaryDirectory(), 'read-models.db'));
    try {
      const property = fc.asyncProperty(
        documents,
        fc.array(query, { minLength: 10, maxLength: 30 }),
        async (stored, queries) => {
          const expected = await answersOf(inSqlite, stored, queries);
          const answers = await answersOf(inMongo, stored, queries);
          for (const [index, query] of queries.entries()) {
            expect({ query, found: answers[index] }).toEqual({ query, found: expected[index] });
          }
        },
      );
      await fc.assert(property, { numRuns: 40 });
    } finally {
      await inSqlite.close();
      await inMongo.close();
      await database.drop();
    }
  }, 300_000);
});
