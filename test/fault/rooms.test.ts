import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it, type TestContext, vi } from 'vitest';
import { type Frame, ParleyClient } from '../../client/index.js';
import { TestPerson } from '../fixtures/api-client.js';
import { ServerProcess } from '../fixtures/server-process.js';
import { findLauncher } from '../fixtures/servers/find-server.js';
import { nats } from '../fixtures/servers/nats.js';
import type { LaunchedServer } from '../fixtures/servers/server.js';
import { TcpProxy } from '../fixtures/tcp-proxy.js';

/** Who is in a room when an edge dies or freezes: whoever is connected somewhere, and nobody else. */

const launcher = await findLauncher(nats, 'rooms at edges that die or freeze');

/** For a machine on which much else is going on. */
const timeout = 100_000;

describe.skipIf(!launcher)('rooms at several edges', { timeout: 240_000 }, () => {
  let broker: LaunchedServer;
  let dataDirectory: string;
  let api: ServerProcess;
  /** Each meets what it is called. */
  let edges: { frozen: ServerProcess; killed: ServerProcess; spared: ServerProcess };
  /** As before real edges: goes to one that answers. */
  let balancer: TcpProxy;
  let serving: ServerProcess;

  beforeAll(async () => {
    broker = (await launcher?.start()) as LaunchedServer;
    dataDirectory = await mkdtemp(join(tmpdir(), 'parley-rooms-'));
    const settings = { PARLEY_BROKER: broker.url, PARLEY_ROOM_GRACE_SECONDS: '5' };
    api = await ServerProcess.of(dataDirectory, { ...settings, PARLEY_ROLES: 'api,projector,relay,reactor' });
    const edge = () => ServerProcess.of(dataDirectory, { ...settings, PARLEY_ROLES: 'edge' });
    edges = { frozen: await edge(), killed: await edge(), spared: await edge() };
    await api.start();
    await Promise.all(Object.values(edges).map((each) => each.start()));
    serving = edges.frozen;
    balancer = await TcpProxy.to(() => ({ host: '127.0.0.1', port: Number(new URL(serving.socketUrl).port) }));
  }, 120_000);

  afterAll(async () => {
    await balancer?.close();
    for (const process of [...Object.values(edges ?? {}), api]) await process?.end('SIGKILL');
    await broker?.stop();
    if (dataDirectory) await rm(dataDirectory, { recursive: true, force: true, maxRetries: 3 });
  });

  /** Somebody who has joined the room over a socket, and follows it. */
  async function enter({ onTestFinished }: TestContext, roomId: string, name: string, socketUrl: string) {
    const person = await TestPerson.register(api.url, name);
    const client = new ParleyClient({ url: api.url, socketUrl, accessToken: person.token, longestBackoffMs: 200 });
    onTestFinished(() => client.close());
    await client.command('rooms.JoinRoom', { roomId });
    const frames: Frame[] = [];
    client.subscribe(`room-${roomId}`, { from: 0, onFrame: (frame) => frames.push(frame) });
    return { person, client, frames };
  }

  async function openRoom() {
    const host = await TestPerson.register(api.url, 'Host');
    const { body } = await host.post('rooms', {});
    const roomId = body.id as string;
    const roster = async () => {
      const { body: room } = await host.get(`rooms/${roomId}`);
      return room.participants.map(({ id }: { id: string }) => id).sort();
    };
    /** Resolves after somebody who joined now has been dropped: whoever has been missing for as long is, too. */
    const passGrace = async () => {
      const ghost = await TestPerson.register(api.url, 'Ghost');
      await ghost.post(`rooms/${roomId}/join`, {});
      await vi.waitUntil(async () => (await roster()).includes(ghost.id), { timeout, interval: 100 });
      await vi.waitUntil(async () => !(await roster()).includes(ghost.id), { timeout, interval: 100 });
    };
    return { roomId, roster, passGrace };
  }

  const leftOf = (frames: readonly Frame[], { id }: TestPerson) =>
    frames.filter(({ type, data }) => type === 'rooms.ParticipantLeft' && data.personId === id).map(({ data }) => data);

  it.concurrent('lose who was connected to an edge that is killed, with the reason, and keep who is at another', async (test) => {
    const { roomId, roster, passGrace } = await openRoom();
    const ann = await enter(test, roomId, 'Ann', edges.killed.socketUrl);
    const bob = await enter(test, roomId, 'Bob', edges.killed.socketUrl);
    const cyd = await enter(test, roomId, 'Cyd', edges.spared.socketUrl);
    await passGrace();
    test.expect(await roster()).toEqual([ann, bob, cyd].map(({ person }) => person.id).sort());

    await edges.killed.end('SIGKILL');
    for (const { person } of [ann, bob]) {
      await vi.waitUntil(() => leftOf(cyd.frames, person).length > 0, { timeout });
      test.expect(leftOf(cyd.frames, person)).toEqual([{ personId: person.id, reason: 'connection-lost' }]);
    }
    await passGrace();
    test.expect(await roster()).toEqual([cyd.person.id]);
  });

  it.concurrent('have no ghosts of an edge that was frozen, and who comes back to another one has missed nothing', async (test) => {
    const { roomId, roster, passGrace } = await openRoom();
    const ann = await enter(test, roomId, 'Ann', `ws://127.0.0.1:${balancer.port}/api/v1/socket`);
    const bob = await enter(test, roomId, 'Bob', edges.frozen.socketUrl);
    const cyd = await enter(test, roomId, 'Cyd', edges.spared.socketUrl);
    await passGrace();

    edges.frozen.signal('SIGSTOP');
    test.onTestFinished(() => edges.frozen.signal('SIGCONT'));
    serving = edges.spared;
    balancer.cut();
    bob.client.close();
    const dee = await TestPerson.register(api.url, 'Dee');
    await dee.post(`rooms/${roomId}/join`, {});
    await dee.post(`rooms/${roomId}/leave`, {});
    await vi.waitUntil(() => leftOf(ann.frames, bob.person).length > 0, { timeout });
    test.expect(leftOf(ann.frames, bob.person)).toEqual([{ personId: bob.person.id, reason: 'connection-lost' }]);

    edges.frozen.signal('SIGCONT');
    await passGrace();
    test.expect(await roster()).toEqual([ann, cyd].map(({ person }) => person.id).sort());
    await vi.waitUntil(() => ann.frames.length === cyd.frames.length, { timeout });
    test.expect(ann.frames.map(({ revision }) => revision)).toEqual(ann.frames.map((_, index) => index));
    test.expect(ann.frames).toEqual(cyd.frames);
    for (const { person } of [ann, cyd]) test.expect(leftOf(cyd.frames, person)).toEqual([]);
  });
});
