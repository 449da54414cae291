import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Edge } from '../../src/edge/edge.js';
import { RawSocket } from './raw-socket.js';
import { bestTransport } from './transports.js';
import { makeWorld, personOf, type World } from './world.js';

const [ann, bob] = [personOf(1), personOf(2)];

describe('an edge tells who is in which room through it', () => {
  let world: World;
  let edge: Edge;
  let roomId: string;
  let feed: string;

  beforeEach(async () => {
    world = await makeWorld({ transport: bestTransport });
    edge = await world.startEdge();
    const room = await world.commands.as(bob, 'rooms.CreateRoom', {});
    roomId = room.id;
    feed = room.stream;
  });

  afterEach(() => world.close());

  async function enter(person = ann): Promise<RawSocket> {
    const socket = await RawSocket.as(edge.port, person);
    socket.send({ op: 'command', id: '1', type: 'rooms.JoinRoom', input: { roomId } });
    await socket.next('reply');
    return socket;
  }

  const told = () => expect.poll(() => edge.attendance[roomId] ?? [], { timeout: 10_000 });

  it('who has joined over a socket, until it closes', async () => {
    const socket = await enter();
    await told().toEqual([ann]);
    socket.close();
    await told().toEqual([]);
  });

  it('who follows the room, since they have come back to it', async () => {
    const socket = await RawSocket.as(edge.port, ann);
    socket.send({ op: 'subscribe', feed });
    await socket.next('subscribed');
    await told().toEqual([ann]);
  });

  it('each person once, as long as one of their sockets is in it', async () => {
    const [first, second] = [await enter(), await enter()];
    await enter(bob);
    await told().toEqual([ann, bob]);
    first.close();
    second.send({ op: 'ping' });
    await second.next('pong');
    await told().toEqual([ann, bob]);
    second.close();
    await told().toEqual([bob]);
  });

  it('nobody who has left by themselves, with any of their sockets', async () => {
    const [first] = [await enter(), await enter()];
    first.send({ op: 'command', id: '2', type: 'rooms.LeaveRoom', input: { roomId } });
    await first.next('reply', 2);
    await told().toEqual([]);
  });
});
