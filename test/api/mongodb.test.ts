import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { TestPerson } from '../fixtures/api-client.js';
import { testDatabase } from '../fixtures/mongo-databases.js';
import { startTestParley } from '../fixtures/parley.js';
import { findServer } from '../fixtures/servers/find-server.js';
import { mongodb } from '../fixtures/servers/mongodb.js';
import type { TestServer } from '../fixtures/servers/server.js';

const source = await findServer(mongodb, 'Parley over MongoDB');

describe.skipIf(!source)('Parley with read models and keys in MongoDB', { timeout: 120_000 }, () => {
  let server: TestServer;
  beforeAll(async () => {
    server = (await source?.start()) as TestServer;
  });
  afterAll(() => server.stop());

  it('shows each what they have written, in pages and in order, also after it was started again', async () => {
    const database = testDatabase(server);
    let parley = await startTestParley({ PARLEY_READ_STORE: database.setting });
    onTestFinished(async () => {
      await parley.close();
      await database.drop();
    });
    const [ann, bob] = await Promise.all(['Ann', 'Bob'].map((name) => TestPerson.register(parley.url, name)));
    if (!ann || !bob) throw new Error('nobody has registered');

    const channels: string[] = [];
    for (const name of ['zebra', 'ärger', 'apple', 'Äther'])
      channels.push((await ann.post('channels', { name })).body.id);
    const [channel] = channels as [string];
    await bob.post(`channels/${channel}/join`);
    for (const text of ['one', 'two', 'three', 'four', 'five'])
      await bob.post(`channels/${channel}/messages`, { text });
    const starts = ['2040-03-01T10:00:00Z', '2040-01-01T10:00:00Z'];
    for (const startTime of starts) {
      await ann.post('meetings', { title: startTime, startTime, endTime: '2040-03-02T10:00:00Z' });
    }
    const { body: room } = await ann.post('rooms', { name: 'Lounge' });
    const { body: last } = await bob.post(`rooms/${room.id}/join`);

    const pages = async (person: TestPerson, path: string, limit: number) => {
      const items: Record<string, unknown>[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const query = `limit=${limit}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`;
        const { status, body } = await person.get(`${path}?${query}`, { 'parley-position': last.position });
        expect(status).toBe(200);
        expect(body.items.length).toBeLessThanOrEqual(limit);
        items.push(...body.items);
        cursor = body.next;
      }
      return items;
    };
    const everything = async () => ({
      names: (await pages(ann, 'channels', 1)).map(({ name }) => name),
      messages: (await pages(ann, `channels/${channel}/messages`, 2)).map(({ text }) => text),
      members: (await pages(bob, `channels/${channel}/members`, 1)).map(({ name }) => name).sort(),
      meetings: (await pages(ann, 'meetings', 1)).map(({ title }) => title),
      participants: (await bob.get(`rooms/${room.id}`)).body.participants.map(({ name }: { name: string }) => name),
    });
    const expected = {
      names: ['apple', 'zebra', 'Äther', 'ärger'],
      messages: ['five', 'four', 'three', 'two', 'one'],
      members: ['Ann', 'Bob'],
      meetings: starts.toSorted(),
      participants: ['Bob'],
    };
    expect(await everything()).toEqual(expected);
    parley = await parley.restart();
    for (const person of [ann, bob]) Object.assign(person, { url: parley.url });
    expect(await everything()).toEqual(expected);
    expect(await TestPerson.register(parley.url, 'Eve')).toMatchObject({ id: expect.any(String) });
  });
});
