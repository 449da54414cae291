import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Edge } from '../../src/edge/edge.js';
import { RawSocket } from './raw-socket.js';
import { bestTransport } from './transports.js';
import { makeWorld, personOf, type World } from './world.js';

const [ann, bob] = [personOf(1), personOf(2)];

describe('someone in a room who loses their connection', () => {
  let world: World;
  let edge: Edge;
  let roomId: string;
  let feed: string;
  let watcher: RawSocket;

  beforeEach(async () => {
    world = await makeWorld({ transport: bestTransport });
    edge = await world.startEdge({ graceMs: 150 });
    const room = await world.commands.as(bob, 'rooms.CreateRoom', {});
    roomId = room.id;
    feed = room.stream;
    watcher = await RawSocket.as(edge.port, bob);
    watcher.send({ op: 'subscribe', feed, from: 0 });
  });

  afterEach(() => world.close());

  async function enter(): Promise<RawSocket> {
    const socket = await RawSocket.as(edge.port, ann);
    socket.send({ op: 'command', id: '1', type: 'rooms.JoinRoom', input: { roomId } });
    await socket.next('reply');
    return socket;
  }

  const changes = () => watcher.all('event').map(({ type, data }) => [type, (data as { reason?: string }).reason]);
  const joined = ['rooms.ParticipantJoined', undefined];
  const created = ['rooms.RoomCreated', undefined];

  it('leaves it after the grace period, with the reason', async () => {
    (await enter()).close();
    await watcher.frame(2);
    expect(changes()).toEqual([created, joined, ['rooms.ParticipantLeft', 'connection-lost']]);
  });

  it.each([
    ['joins the room again', { op: 'command', id: '1', type: 'rooms.JoinRoom' }, 'reply'],
    ['follows the room again', { op: 'subscribe' }, 'subscribed'],
  ])('stays when they come back: %s', async (_how, message, answer) => {
    (await enter()).close();
    const back = await RawSocket.as(edge.port, ann);
    back.send(message.op === 'subscribe' ? { ...message, feed } : { ...message, input: { roomId } });
    await back.next(answer);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(changes()).toEqual([created, joined]);
    back.close();
    await watcher.frame(2);
    expect(changes().at(-1)).toEqual(['rooms.ParticipantLeft', 'connection-lost']);
  });

  it('stays while another socket of theirs is in it', async () => {
    const [first, second] = [await enter(), await enter()];
    first.close();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(changes()).toEqual([created, joined]);
    second.close();
    await watcher.frame(2);
  });

  it('is not dropped from a room that they left themselves', async () => {
    const socket = await enter();
    socket.send({ op: 'command', id: '2', type: 'rooms.LeaveRoom', input: { roomId } });
    await socket.next('reply', 2);
    socket.close();
    await world.commands.as(ann, 'rooms.JoinRoom', { roomId });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(changes().at(-1)).toEqual(joined);
  });
});
