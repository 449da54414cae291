import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { projections } from '../../projections/catalogue.js';
import { openEventStore, openKeys, openReadStore } from '../../src/adapters.js';
import { Closers } from '../../src/closers.js';
import { parseConfig } from '../../src/config.js';
import { createCodec } from '../../src/event-store/event-codec.js';
import { type Verification, verifyHistory } from '../../src/history/verification.js';
import { loadMasterKeys } from '../../src/secrets.js';
import { type Answer, call, TestPerson } from '../fixtures/api-client.js';
import { startTestParley, type TestParley } from '../fixtures/parley.js';

/**
 * What a whole Parley must do whose log is in KurrentDB.
 * @param cut - breaks its connections
 */
export function parleyOnKurrent(newUrl: () => string, cut: () => void): void {
  describe('a Parley whose log is there', () => {
    test('keeps what was said across restarts, once, and builds its read models from the log', async () => {
      const url = newUrl();
      let parley = await startTestParley({ PARLEY_EVENT_STORE: url });
      onTestFinished(() => parley.close());
      const ann = await TestPerson.register(parley.url, 'Ann');
      const bob = await TestPerson.register(parley.url, 'Bob');
      const { id } = (await ann.post('channels', { name: 'General' })).body;
      expect(await bob.post(`channels/${id}/join`)).toMatchObject({ status: 200 });
      const post = ({ token }: TestPerson, text: string) => {
        const headers = { 'idempotency-key': text };
        return call(parley.url, 'POST', `channels/${id}/messages`, { token, body: { text }, headers });
      };
      const texts = Array.from({ length: 20 }, (_, index) => `message-${index}`);
      const posted = await Promise.all(texts.map((text, index) => post(index % 2 ? ann : bob, text)));
      expect(posted.map(({ status }) => status)).toEqual(texts.map(() => 201));

      parley = await parley.restart();
      // Sent again after the restart, each is known by its key, at its place.
      const repeated = await Promise.all(texts.map((text, index) => post(index % 2 ? ann : bob, text)));
      expect(repeated.map(({ body }) => body)).toEqual(posted.map(({ body }) => body));
      const position = (await post(ann, 'the-last-one')).headers.get('parley-position') as string;
      expect(await messages(parley, bob, id, position)).toEqual(new Set([...texts, 'the-last-one']));

      parley = await withoutReadModels(parley);
      expect(await messages(parley, bob, id, position)).toEqual(new Set([...texts, 'the-last-one']));
      expect(await verify(parley, url)).toMatchObject({ findings: [], events: expect.any(Number) });
    });

    test('says everything once, however often its connections break', async () => {
      const url = newUrl();
      const parley = await startTestParley({ PARLEY_EVENT_STORE: url });
      onTestFinished(() => parley.close());
      const ann = await TestPerson.register(parley.url, 'Ann');
      const { id } = (await ann.post('channels', { name: 'General' })).body;
      const texts = Array.from({ length: 60 }, (_, index) => `message-${index}`);
      let answered = 0;
      const posting = texts.map(async (text, index) => {
        await delay(index * 10);
        const { body } = await postUntilKnown(ann, id, text);
        answered += 1;
        return body.revision as number;
      });
      // Ever longer, since over a slow connection nothing gets through in a short time.
      for (let pauseMs = 100; answered < texts.length; pauseMs *= 1.1) {
        cut();
        await delay(pauseMs);
      }
      const revisions = await Promise.all(posting);
      expect(new Set(revisions).size).toBe(texts.length);
      const { headers } = await postUntilKnown(ann, id, 'the-last-one');
      expect(await messages(parley, ann, id, headers.get('parley-position') as string)).toEqual(
        new Set([...texts, 'the-last-one']),
      );
      expect(await verify(parley, url)).toMatchObject({ findings: [] });
    });
  });
}

/** Sends it again under its key as long as it is told to. */
async function postUntilKnown(person: TestPerson, channel: string, text: string): Promise<Answer> {
  for (;;) {
    const answer = await person.post(`channels/${channel}/messages`, { text }, { 'idempotency-key': text });
    if (answer.status === 201) return answer;
    expect(answer.status).toBe(503);
    await delay(20);
  }
}

async function messages(
  parley: TestParley,
  reader: TestPerson,
  channel: string,
  position: string,
): Promise<Set<string>> {
  const { body } = await call(parley.url, 'GET', `channels/${channel}/messages?limit=100`, {
    token: reader.token,
    headers: { 'parley-position': position },
  });
  return new Set(body.items.map(({ text }: { text: string }) => text));
}

async function withoutReadModels(parley: TestParley): Promise<TestParley> {
  return parley.restart(async () => {
    for (const file of ['read-models.db', 'read-models.db-wal', 'read-models.db-shm']) {
      await rm(join(parley.dataDirectory, file), { force: true });
    }
  });
}

/** Hashes embed the texts as they were stored, so that this shows that KurrentDB gives each back as it was. */
async function verify({ dataDirectory }: TestParley, url: string): Promise<Verification> {
  const config = parseConfig({ NODE_ENV: 'test', PARLEY_DATA_DIR: dataDirectory, PARLEY_EVENT_STORE: url });
  const closers = new Closers();
  try {
    const logger = pino({ level: 'silent' });
    const ignore = () => {};
    const keys = closers.add(await openKeys(config, await loadMasterKeys(config), logger, ignore));
    const eventStore = closers.add(await openEventStore(config, logger, ignore));
    const readStore = closers.add(await openReadStore(config, logger));
    return await verifyHistory({ eventStore, readStore, projections, codec: createCodec(keys) });
  } finally {
    await closers.close();
  }
}
