import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Edge } from '../../src/edge/edge.js';
import { RawSocket } from './raw-socket.js';
import { transports } from './transports.js';
import { createChannel, makeWorld, personOf, post, type World } from './world.js';

const [ann, bob] = [personOf(1), personOf(2)];

describe.each(transports)('following a feed over %s', (transport) => {
  let world: World;
  let edge: Edge;

  beforeEach(async () => {
    world = await makeWorld({ transport });
    edge = await world.startEdge();
  });

  afterEach(() => world.close());

  it('answers a command and sends its frame to those who follow', async () => {
    const { id, feed } = await createChannel(world, ann);
    const socket = await RawSocket.as(edge.port, ann);
    socket.send({ op: 'subscribe', feed });
    expect(await socket.next('subscribed')).toEqual({ op: 'subscribed', feed, revision: 1 });
    socket.send({
      op: 'command',
      id: '1',
      type: 'conversations.PostMessage',
      input: { channelId: id, text: 'hello' },
    });
    const { reply } = await socket.next('reply');
    expect(reply).toMatchObject({ stream: feed, revision: 2, text: 'hello' });
    expect(await socket.frame(2)).toMatchObject({
      op: 'event',
      feed,
      revision: 2,
      type: 'conversations.MessagePosted',
      version: 1,
      actor: ann,
      data: { authorId: ann, text: 'hello' },
    });
  });

  it('catches up from a revision and goes on live, without a gap', async () => {
    const { id, feed } = await createChannel(world, ann);
    for (let n = 0; n < 700; n += 1) await post(world, ann, id, `before ${n}`);
    const socket = await RawSocket.as(edge.port, ann);
    socket.send({ op: 'subscribe', feed, from: 0 });
    for (let n = 0; n < 700; n += 1) await post(world, ann, id, `meanwhile ${n}`);
    await socket.frame(1_401);
    expect(socket.revisions()).toEqual(Array.from({ length: 1_402 }, (_, revision) => revision));
  });

  it('begins with the state of the feed, and goes on from there', async () => {
    const { id, feed } = await createChannel(world, ann);
    await post(world, ann, id, 'before');
    const socket = await RawSocket.as(edge.port, ann);
    socket.send({ op: 'subscribe', feed, snapshot: true });
    await post(world, ann, id, 'meanwhile');
    const { revision, state } = await socket.next('snapshot');
    await post(world, ann, id, 'after');
    await socket.frame(4);
    expect(socket.all('subscribed')).toEqual([{ op: 'subscribed', feed, revision }]);
    expect(state).toMatchObject({ id, name: 'talk', memberCount: 1 });
    const seen = (state as { messages: { revision: number }[] }).messages.map((message) => message.revision);
    expect([...seen, ...socket.revisions()]).toEqual([2, 3, 4]);
    expect(seen.at(-1)).toBe(revision);
  });

  it.each([
    ['rooms.CreateRoom', {}],
    ['meetings.CreateMeeting', { title: 'plan', startTime: '2999-01-01T10:00:00Z', endTime: '2999-01-01T11:00:00Z' }],
  ] as const)('begins with the state of what %s has made', async (type, input) => {
    const { id, stream: feed } = await world.commands.as(ann, type, input);
    const socket = await RawSocket.as(edge.port, bob);
    socket.send({ op: 'subscribe', feed, snapshot: true });
    expect(await socket.next('snapshot')).toMatchObject({ feed, revision: 0, state: { id } });
  });

  it('shows in a snapshot nothing from before one joined, where the feed hides it', async () => {
    const { id, feed } = await createChannel(world, ann, { history: 'since-joined' });
    await post(world, ann, id, 'before');
    await world.commands.as(bob, 'conversations.JoinChannel', { channelId: id });
    await post(world, ann, id, 'after');
    const socket = await RawSocket.as(edge.port, bob);
    socket.send({ op: 'subscribe', feed, snapshot: true });
    const { state } = await socket.next('snapshot');
    expect((state as { messages: unknown[] }).messages).toMatchObject([{ text: 'after' }]);
  });

  it('answers as not found what one may not follow, whether it exists or not', async () => {
    const { feed } = await createChannel(world, ann, { kind: 'private' });
    const socket = await RawSocket.as(edge.port, bob);
    socket.send({ op: 'subscribe', feed });
    socket.send({ op: 'subscribe', feed: `channel-${personOf(9)}` });
    socket.send({ op: 'subscribe', feed: `account-${bob}` });
    await socket.next('error', 3);
    const problems = socket.all('error').map(({ problem }) => problem);
    expect(problems[0]).toMatchObject({ code: 'not-found' });
    expect(problems[1]).toEqual(problems[0]);
    expect(problems[2]).toEqual(problems[0]);
  });
});
