import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Frame, ParleyClient } from '../../client/index.js';
import { TestPerson } from '../fixtures/api-client.js';
import { ServerProcess } from '../fixtures/server-process.js';
import { findLauncher } from '../fixtures/servers/find-server.js';
import { nats } from '../fixtures/servers/nats.js';
import type { LaunchedServer } from '../fixtures/servers/server.js';

const launcher = await findLauncher(nats, 'several processes of Parley with NATS between them');

describe.skipIf(!launcher)('several processes that share a log, with NATS between them', { timeout: 120_000 }, () => {
  let broker: LaunchedServer;
  let dataDirectory: string;
  let api: ServerProcess;
  let edges: ServerProcess[];
  let people: TestPerson[];
  const clients: ParleyClient[] = [];

  beforeAll(async () => {
    broker = (await launcher?.start()) as LaunchedServer;
    dataDirectory = await mkdtemp(join(tmpdir(), 'parley-broker-'));
    const settings = { PARLEY_BROKER: broker.url };
    api = await ServerProcess.of(dataDirectory, { ...settings, PARLEY_ROLES: 'api,projector,relay' });
    edges = [
      await ServerProcess.of(dataDirectory, { ...settings, PARLEY_ROLES: 'edge' }),
      await ServerProcess.of(dataDirectory, { ...settings, PARLEY_ROLES: 'edge' }),
    ];
    await api.start();
    await Promise.all(edges.map((edge) => edge.start()));
    people = await Promise.all(['Ann', 'Bob', 'Cyd'].map((name) => TestPerson.register(api.url, name)));
  }, 120_000);

  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });

  afterAll(async () => {
    for (const process of [...(edges ?? []), api]) await process?.end('SIGKILL');
    await broker?.stop();
    if (dataDirectory) await rm(dataDirectory, { recursive: true, force: true, maxRetries: 3 });
  });

  function clientOf({ token }: TestPerson, edge: ServerProcess): ParleyClient {
    const client = new ParleyClient({
      url: api.url,
      socketUrl: edge.socketUrl,
      accessToken: token,
      longestBackoffMs: 200,
    });
    clients.push(client);
    return client;
  }

  /** Everybody posts at one edge for as long as the body takes; a follower at the other edge gets it all. */
  async function postWhile(body: () => Promise<void>): Promise<{ frames: Frame[]; posted: Map<number, string> }> {
    const [here, there] = edges as [ServerProcess, ServerProcess];
    const posters = people.map((person) => clientOf(person, here));
    const [founder, ...others] = posters as [ParleyClient, ...ParleyClient[]];
    const { id: channelId, stream } = await founder.command('conversations.CreateChannel', { name: 'general' });
    for (const other of others) await other.command('conversations.JoinChannel', { channelId });

    const frames: Frame[] = [];
    const follower = clientOf(people[0] as TestPerson, there);
    follower.subscribe(stream, { from: 0, onFrame: (frame) => frames.push(frame) });

    const posted = new Map<number, string>();
    let going = true;
    const posting = posters.map(async (poster, n) => {
      for (let count = 0; going || count < 20; count += 1) {
        const text = `${n}: ${count}`;
        const { revision } = await poster.command('conversations.PostMessage', { channelId, text });
        posted.set(revision, text);
      }
    });
    await body();
    going = false;
    await Promise.all(posting);
    const last = Math.max(...posted.keys());
    while ((frames.at(-1)?.revision ?? -1) < last) await delay(10);
    return { frames, posted };
  }

  function expectAll({ frames, posted }: { frames: Frame[]; posted: Map<number, string> }): void {
    expect(frames.map(({ revision }) => revision)).toEqual(frames.map((_, n) => n));
    const texts = frames.filter(({ type }) => type === 'conversations.MessagePosted');
    expect(texts.map(({ revision, data }) => [revision, data?.text])).toEqual(
      [...posted].sort(([one], [other]) => one - other),
    );
  }

  it('brings what is posted at one edge to who follows at the other, once and in order', async () => {
    expectAll(await postWhile(async () => {}));
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)('loses nothing while NATS is restarted by %s', async (by) => {
    const result = await postWhile(async () => {
      await delay(200);
      await broker.restart({ by, whileDown: () => delay(500) });
      await delay(500);
    });
    expectAll(result);
  });

  it('keeps the order of what somebody sends at once', async () => {
    const [here, there] = edges as [ServerProcess, ServerProcess];
    const poster = clientOf(people[0] as TestPerson, here);
    const { id: channelId, stream } = await poster.command('conversations.CreateChannel', { name: 'general' });
    const texts = Array.from({ length: 50 }, (_, n) => `line ${n}`);
    await Promise.all(texts.map((text) => poster.command('conversations.PostMessage', { channelId, text })));
    const seen: unknown[] = [];
    const follower = clientOf(people[0] as TestPerson, there);
    follower.subscribe(stream, {
      from: 2,
      onFrame: ({ data }) => seen.push(data?.text),
    });
    while (seen.length < texts.length) await delay(10);
    expect(seen).toEqual(texts);
  });

  it('tells clients to come again while nobody executes commands, and goes on when somebody does', async () => {
    const poster = clientOf(people[0] as TestPerson, edges[0] as ServerProcess);
    const { id: channelId } = await poster.command('conversations.CreateChannel', { name: 'general' });
    expect(await api.end('SIGTERM'), api.output).toBe(0);
    const posting = poster.command('conversations.PostMessage', { channelId, text: 'is anybody there?' });
    await api.start();
    expect(await posting).toMatchObject({ revision: 2 });
  });
});
