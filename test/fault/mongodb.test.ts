import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openMongoKeys } from '../../src/keys/mongodb.js';
import { openMongo } from '../../src/mongodb/connection.js';
import { mongoReadStore } from '../../src/read-store/mongodb.js';
import { ServerUnavailable } from '../../src/server-unavailable.js';
import { call, TestPerson } from '../fixtures/api-client.js';
import { freePorts } from '../fixtures/free-ports.js';
import { testDatabase } from '../fixtures/mongo-databases.js';
import { startTestParley, type TestParley } from '../fixtures/parley.js';
import { findLauncher } from '../fixtures/servers/find-server.js';
import { mongodb } from '../fixtures/servers/mongodb.js';
import type { LaunchedServer } from '../fixtures/servers/server.js';

/** What becomes of processes when their MongoDB goes, comes back, or does not answer. */

const launcher = await findLauncher(mongodb, 'restarts of MongoDB');

/** So that nobody waits longer than need be. */
const impatience = 'serverSelectionTimeoutMS=300&connectTimeoutMS=1000&socketTimeoutMS=1000';

const shape = { name: 'fruits', version: 1, collections: [{ name: 'apples', indexes: [] }] };
const masterKey = { version: 1, key: Buffer.alloc(32, 'master') };

describe('a server that does not answer', () => {
  it('is named, and nobody’s password is told', async () => {
    const [port] = await freePorts(1);
    const location = { url: `mongodb://ann:sesame@127.0.0.1:${port}/?${impatience}`, database: 'parley' };
    const opening = openMongo(location, 500).catch((error: Error) => error);
    const error = (await opening) as Error;
    expect(error).toBeInstanceOf(ServerUnavailable);
    expect(error.message).toMatch(`MongoDB at 127.0.0.1:${port}/parley can't be used: `);
    expect(error.message).not.toContain('sesame');
  });

  it.each([
    'mongodb://ann:sesame@127.0.0.1/?nonsense=1',
    'mongodb://ann:sesame@127.0.0.1:port',
    'mongodb://ann:sesame@%',
  ])('is not looked for where its URL makes no sense: %s', async (url) => {
    const error = (await openMongo({ url, database: 'parley' }, 500).catch((error: Error) => error)) as Error;
    expect(error).toBeInstanceOf(ServerUnavailable);
    expect(error.message).not.toContain('sesame');
  });
});

describe.skipIf(!launcher)('a server that goes and comes back', { timeout: 120_000 }, () => {
  let server: LaunchedServer;
  beforeAll(async () => {
    server = (await launcher?.start()) as LaunchedServer;
  });
  afterAll(() => server.stop());

  const impatient = () => {
    const { database, drop } = testDatabase(server);
    onTestFinished(drop);
    return { url: `${server.url}/?${impatience}`, database };
  };

  it('is waited for at the start', async () => {
    const location = impatient();
    let opening: ReturnType<typeof openMongo> | undefined;
    await server.restart({
      async whileDown() {
        opening = openMongo(location);
        await delay(500);
      },
    });
    const opened = await opening;
    expect(opened?.server.version).toMatch(/^\d+\.\d+/);
    await opened?.close();
  });

  it('has the read store say so, which then goes on with all that it has acknowledged', async () => {
    const store = mongoReadStore(await openMongo(impatient()));
    onTestFinished(() => store.close());
    const live = await store.open(shape);
    const refused: unknown[] = [];
    const untilWritten = async (n: number) => {
      const writes = [`${n}`, 'same'].map((id) => ({ collection: 'apples', id, document: { n } }));
      for (;;) {
        try {
          return await store.write(live, writes, BigInt(n));
        } catch (error) {
          refused.push(error);
          await delay(20);
        }
      }
    };
    let restarting: Promise<void> | undefined;
    for (let n = 1; n <= 60; n += 1) {
      if (n === 20) restarting = server.restart({ whileDown: () => delay(200) });
      await untilWritten(n);
    }
    await restarting;
    for (const error of refused) expect(error).toBeInstanceOf(ServerUnavailable);
    expect(await store.checkpoint(live)).toBe(60n);
    const found = await store.read((reader) => reader.find<{ n: number }>('apples', { limit: 100 }));
    expect(found).toHaveLength(61);
    for (const { id, document } of found) expect(document.n).toBe(id === 'same' ? 60 : Number(id));
  });

  it('keeps the keys that it has acknowledged', async () => {
    const keys = await openMongoKeys(await openMongo(impatient()), masterKey);
    onTestFinished(() => keys.close());
    await keys.ensure(['ada', 'bob']);
    await keys.destroy(['bob']);
    const [before, secret] = [await keys.get(['ada', 'bob']), await keys.secret('reservations')];
    await server.restart({
      async whileDown() {
        await expect(keys.get(['ada'])).rejects.toThrow(ServerUnavailable);
        await expect(keys.ensure(['eve'])).rejects.toThrow('The key store (MongoDB at ');
      },
    });
    await vi.waitFor(async () => expect(await keys.get(['ada', 'bob'])).toEqual(before), { timeout: 10_000 });
    expect(await keys.secret('reservations')).toEqual(secret);
    await keys.ensure(['eve']);
    expect((await keys.get(['eve'])).get('eve')).toHaveLength(32);
  });

  it('is not waited for for ever when it is stopped in the middle', async () => {
    const store = mongoReadStore(await openMongo(impatient()));
    onTestFinished(() => store.close());
    const live = await store.open(shape);
    await store.write(live, [{ collection: 'apples', id: 'a', document: {} }], 1n);
    await server.signal('SIGSTOP');
    try {
      await expect(store.read((reader) => reader.get('apples', 'a'))).rejects.toThrow(ServerUnavailable);
    } finally {
      await server.signal('SIGCONT');
    }
    const get = () => store.read((reader) => reader.get('apples', 'a'));
    await vi.waitFor(async () => expect(await get()).toEqual({}), { timeout: 10_000 });
  });

  it('leaves nobody without an answer whose connection ends at the moment when they ask', async () => {
    const sockets: Socket[] = [];
    const remember = (message: unknown) => void sockets.push((message as { socket: Socket }).socket);
    subscribe('net.client.socket', remember);
    onTestFinished(() => void unsubscribe('net.client.socket', remember));
    const location = impatient();
    const store = mongoReadStore(await openMongo({ ...location, url: `${location.url}&maxPoolSize=4` }));
    onTestFinished(() => store.close());
    const live = await store.open(shape);
    const read = () => store.read((reader) => reader.get('apples', 'a'));
    const write = () => store.write(live, [{ collection: 'apples', id: 'a', document: {} }], 1n);
    await Promise.all([read(), read(), write(), read()]);

    // As when the server has closed them: before the driver hears of it, what is asked is written to them.
    for (const socket of sockets) socket.destroy();
    for (const answer of await Promise.allSettled([read(), read(), write(), read()])) {
      if (answer.status === 'rejected') expect(answer.reason).toBeInstanceOf(ServerUnavailable);
    }
    // None of them keeps its place in the pool.
    await vi.waitFor(() => write(), { timeout: 60_000 });
    expect(await Promise.all([read(), read(), read(), read()])).toEqual([{}, {}, {}, {}]);
  });

  it('has a running Parley answer that a part of it is missing, and lose nothing', async () => {
    const { setting, drop } = testDatabase(server);
    onTestFinished(drop);
    const settings = { PARLEY_READ_STORE: `${setting}?${impatience}`, PARLEY_KEYS: 'sqlite' };
    const parley: TestParley = await startTestParley(settings);
    onTestFinished(() => parley.close());
    const ann = await TestPerson.register(parley.url, 'Ann');
    const { body: channel } = await ann.post('channels', { name: 'general' });
    const first = await ann.post(`channels/${channel.id}/messages`, { text: 'before' });
    const messages = async (position: string) =>
      ann.get(`channels/${channel.id}/messages`, { 'parley-position': position });
    expect((await messages(first.body.position)).body.items).toHaveLength(1);

    let second: Awaited<ReturnType<TestPerson['post']>> | undefined;
    await server.restart({
      async whileDown() {
        expect(await ann.get(`channels/${channel.id}`)).toMatchObject({ status: 503, body: { code: 'unavailable' } });
        second = await ann.post(`channels/${channel.id}/messages`, { text: 'while it is down' });
        expect(second.status).toBe(201);
        const faults = async () => (await call(parley.url, 'GET', '/health')).body.faults;
        await vi.waitFor(async () => expect((await faults()).projections).toContain('does not answer'), {
          timeout: 20_000,
        });
      },
    });
    await vi.waitFor(
      async () => {
        const { status, body } = await messages(second?.body.position);
        expect(status).toBe(200);
        expect(body.items.map(({ text }: { text: string }) => text)).toEqual(['while it is down', 'before']);
      },
      { timeout: 30_000 },
    );
    await vi.waitFor(async () => expect((await call(parley.url, 'GET', '/health/ready')).status).toBe(200), {
      timeout: 20_000,
    });
  });
});
