import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Edge } from '../../src/edge/edge.js';
import { RawSocket } from './raw-socket.js';
import { transports } from './transports.js';
import { createChannel, eventually, makeWorld, personOf, post, type World } from './world.js';

const ann = personOf(1);

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe.each(transports)('a socket that reads slowly over %s', (transport) => {
  let world: World;
  let edge: Edge;

  beforeEach(async () => {
    world = await makeWorld({ transport });
    edge = await world.startEdge({ limits: { behindBytes: 16_384, drainedBytes: 4_096 } });
  });

  afterEach(() => world.close());

  async function follow(feed: string, options: object = {}): Promise<RawSocket> {
    const socket = await RawSocket.as(edge.port, ann);
    socket.send({ op: 'subscribe', feed, ...options });
    await socket.next('subscribed');
    return socket;
  }

  const pause = (socket: RawSocket) => socket.ws.pause();
  const resume = (socket: RawSocket) => socket.ws.resume();

  /** Posts until the kernel's buffers are full and some socket has left the feed's topic. */
  async function postUntilLive(channelId: string, live: number): Promise<number> {
    for (let posts = 0; posts < 3_000; posts += 1) {
      const { revision } = await post(world, ann, channelId, 'x'.repeat(12_000));
      await new Promise(setImmediate);
      if (edge.stats().liveSubscriptions === live) return revision;
    }
    throw new Error('no socket has left the topic');
  }

  it('leaves the topic, catches up as it drains, and joins again without a gap', async () => {
    const { id, feed } = await createChannel(world, ann);
    const [slow, quick] = [await follow(feed), await follow(feed)];
    await eventually(() => edge.stats().liveSubscriptions === 2);
    pause(slow);
    const behind = await postUntilLive(id, 1);
    for (let n = 0; n < 50; n += 1) await post(world, ann, id, `while it is behind ${n}`);
    const head = behind + 50;
    await quick.frame(head);
    resume(slow);
    await slow.frame(head);
    await eventually(() => edge.stats().liveSubscriptions === 2);
    await post(world, ann, id, 'live again');
    for (const socket of [slow, quick]) await socket.frame(head + 1);
    expect(slow.revisions()).toEqual(range(2, head + 1));
    expect(quick.revisions()).toEqual(range(2, head + 1));
  });

  it('can be slow from the first frame on', async () => {
    const { id, feed } = await createChannel(world, ann);
    for (let n = 0; n < 1_000; n += 1) await post(world, ann, id, 'x'.repeat(12_000));
    const slow = await RawSocket.as(edge.port, ann);
    slow.send({ op: 'subscribe', feed, from: 0 });
    await slow.next('subscribed');
    pause(slow);
    await post(world, ann, id, 'meanwhile');
    resume(slow);
    await slow.frame(1_002);
    expect(slow.revisions()).toEqual(range(0, 1_002));
  });

  it('is closed with a word to come back when it does not drain', async () => {
    await edge.close();
    edge = await world.startEdge({ limits: { behindBytes: 16_384, drainedBytes: 4_096, behindMs: 100 } });
    const { id, feed } = await createChannel(world, ann);
    const slow = await follow(feed);
    await eventually(() => edge.stats().liveSubscriptions === 1);
    pause(slow);
    await postUntilLive(id, 0);
    await eventually(() => edge.stats().closes['too-slow'] === 1);
    resume(slow);
    await expect(slow.closed).resolves.toMatchObject({ code: 3002 });
  });

  it('does not lose anybody in a burst greater than any backlog may be', async () => {
    const { feed } = await createChannel(world, ann);
    const sockets = [await follow(feed), await follow(feed)];
    await eventually(() => edge.stats().liveSubscriptions === 2);
    const text = 'x'.repeat(12_000);
    await world.commands.append(
      feed,
      range(1, 1_000).map(() => ({
        type: 'conversations.MessagePosted',
        data: { authorId: ann, kind: 'message', text },
      })),
      { id: ann },
    );
    for (const socket of sockets) {
      await socket.frame(1_001);
      expect(socket.revisions()).toEqual(range(2, 1_001));
    }
    await eventually(() => edge.stats().liveSubscriptions === 2);
  });
});
