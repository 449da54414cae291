import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AccessChange } from '../../domain/access.js';
import type { Audience } from '../../domain/event.js';
import { type FeedMessage, feedTopic } from '../../src/broker/subjects.js';
import type { Edge } from '../../src/edge/edge.js';
import { FaultyStore } from './faulty-store.js';
import { LossyBroker } from './lossy-broker.js';
import { RawSocket } from './raw-socket.js';
import { transports } from './transports.js';
import { createChannel, eventually, makeWorld, personOf, post, type World } from './world.js';

const [ann, bob, cid] = [personOf(1), personOf(2), personOf(3)];

/** As `RawSocket.revisions` tells a bare frame. */
const bare = (revision: number) => -1 - revision;

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe.each(transports)('who gets which frame over %s', (transport) => {
  let world: World;
  let edge: Edge;

  beforeEach(async () => {
    world = await makeWorld({ transport });
    edge = await world.startEdge();
  });

  afterEach(() => world.close());

  const join = (person: string, channelId: string) =>
    world.commands.as(person, 'conversations.JoinChannel', { channelId });
  const remove = (person: string, channelId: string) =>
    world.commands.as(ann, 'conversations.RemoveMember', { channelId, personId: person });

  async function follow(person: string, feed: string, options: object = {}): Promise<RawSocket> {
    const socket = await RawSocket.as(edge.port, person);
    socket.send({ op: 'subscribe', feed, ...options });
    await socket.next('subscribed');
    return socket;
  }

  it('sends someone who is removed their removal as the last frame, on all their sockets', async () => {
    const { id, feed } = await createChannel(world, ann);
    await join(bob, id);
    const sockets = [await follow(bob, feed), await follow(bob, feed)];
    const stays = await follow(ann, feed);
    // in one go, so that all is published within one tick
    const last = await Promise.all([post(world, ann, id, 'before'), remove(bob, id), post(world, ann, id, 'after')]);
    await stays.frame(last[2].revision);
    for (const socket of sockets) {
      expect(await socket.next('unsubscribed')).toMatchObject({ feed, problem: { code: 'not-found' } });
      expect(socket.revisions()).toEqual([3, 4]);
      expect(socket.messages.at(-1)?.op).toBe('unsubscribed');
    }
    expect(stays.revisions()).toEqual([3, 4, 5]);
    expect(edge.stats().liveSubscriptions).toBe(1);
  });

  it('sends someone who was away what they may see, and the rest bare', async () => {
    const { id, feed } = await createChannel(world, ann);
    await join(bob, id);
    for (let n = 3; n < 10; n += 1) await post(world, ann, id, `seen ${n}`);
    expect((await remove(bob, id)).revision).toBe(10);
    for (let n = 11; n < 50; n += 1) await post(world, ann, id, `missed ${n}`);
    expect((await join(bob, id)).revision).toBe(50);
    await post(world, ann, id, 'seen 51');
    const socket = await follow(bob, feed, { from: 5 });
    await socket.frame(51);
    await post(world, ann, id, 'live');
    await socket.frame(52);
    expect(socket.revisions()).toEqual([...range(5, 10), ...range(11, 49).map(bare), 50, 51, 52]);
  });

  it('sends what came before one joined only where the feed shows it', async () => {
    for (const history of ['all', 'since-joined'] as const) {
      const { id, feed } = await createChannel(world, ann, { history });
      await post(world, ann, id, 'before');
      await join(bob, id);
      const socket = await follow(bob, feed, { from: 0 });
      await socket.frame(3);
      expect(socket.revisions()).toEqual(history === 'all' ? [0, 1, 2, 3] : [...range(0, 2).map(bare), 3]);
    }
  });

  it('ends a subscription that is catching up behind the removal, not before', async () => {
    const store = new FaultyStore(world.eventStore);
    const slow = await world.startEdge({ eventStore: store });
    const { id, feed } = await createChannel(world, ann);
    await join(bob, id);
    for (let n = 3; n < 300; n += 1) await post(world, ann, id, 'hello');
    const stays = await RawSocket.as(slow.port, ann);
    stays.send({ op: 'subscribe', feed });
    await stays.next('subscribed');
    const release = store.hold();
    const socket = await RawSocket.as(slow.port, bob);
    socket.send({ op: 'subscribe', feed, from: 0 });
    await eventually(() => store.waiting > 0);
    await remove(bob, id);
    await post(world, ann, id, 'after');
    await stays.frame(301);
    release();
    await socket.next('unsubscribed');
    expect(socket.revisions()).toEqual(range(0, 300));
    expect(socket.messages.at(-1)?.op).toBe('unsubscribed');
  });

  it('lets everybody follow a room, and those who leave it go on', async () => {
    const { id, stream } = await world.commands.as(ann, 'rooms.CreateRoom', {});
    const socket = await follow(bob, stream, { from: 0 });
    await world.commands.as(bob, 'rooms.JoinRoom', { roomId: id });
    await world.commands.as(bob, 'rooms.LeaveRoom', { roomId: id });
    await world.commands.as(cid, 'rooms.JoinRoom', { roomId: id });
    await socket.frame(3);
    expect(socket.revisions()).toEqual([0, 1, 2, 3]);
  });

  it('sends what is for moderators to them alone, and to the others bare', async () => {
    const { id, feed } = await createChannel(world, ann);
    await join(bob, id);
    const [moderator, member] = [await follow(ann, feed), await follow(bob, feed)];
    const message: FeedMessage = {
      feed,
      revision: 3,
      position: '99',
      audience: 'moderators',
      frame: JSON.stringify({ op: 'event', feed, revision: 3, position: '99', type: 'secret' }),
      access: [],
    };
    world.broker.publish(feedTopic(feed), message);
    expect(await moderator.frame(3)).toMatchObject({ type: 'secret' });
    expect(await member.frame(3)).toEqual({ op: 'event', feed, revision: 3, position: '99' });
  });

  it('follows a change of role from its own revision on', async () => {
    const { id, feed } = await createChannel(world, ann);
    await join(bob, id);
    const socket = await follow(bob, feed);
    const frameOf = (revision: number) => JSON.stringify({ op: 'event', feed, revision, position: '99', type: 'any' });
    const publish = (revision: number, audience: Audience, access: AccessChange[]) =>
      world.broker.publish(feedTopic(feed), {
        feed,
        revision,
        position: '99',
        audience,
        frame: frameOf(revision),
        access,
      });
    publish(3, 'moderators', []);
    publish(4, 'followers', [{ kind: 'role', person: bob, role: 'moderator' }]);
    publish(5, 'moderators', []);
    publish(6, 'followers', [{ kind: 'role', person: bob, role: 'member' }]);
    publish(7, 'moderators', []);
    publish(8, 'nobody', []);
    await socket.frame(8);
    expect(socket.revisions()).toEqual([bare(3), 4, 5, 6, bare(7), bare(8)]);
  });

  it('ends the following of those who lose it as a feed becomes members only', async () => {
    const { id, stream: feed } = await world.commands.as(ann, 'rooms.CreateRoom', {});
    await world.commands.as(cid, 'rooms.JoinRoom', { roomId: id });
    const [outsider, participant] = [await follow(bob, feed), await follow(cid, feed)];
    const publish = (revision: number, access: AccessChange[]) => {
      const frame = JSON.stringify({ op: 'event', feed, revision, position: '99', type: 'any' });
      world.broker.publish(feedTopic(feed), { feed, revision, position: '99', audience: 'followers', frame, access });
    };
    publish(2, [{ kind: 'visibility', visibility: 'members' }]);
    publish(3, []);
    await participant.frame(3);
    await outsider.next('unsubscribed');
    expect(outsider.revisions()).toEqual([2]);
  });

  it('waits for the membership to be as new as the feed', async () => {
    const { id, feed } = await createChannel(world, ann);
    const first = await follow(ann, feed);
    // the read models stand still while the feed moves on
    world.readStore.follows = false;
    await join(bob, id);
    await first.frame(2);
    const socket = await follow(bob, feed, { from: 0 });
    await socket.frame(2);
    expect(socket.revisions()).toEqual([0, 1, 2]);
  });

  it('does not let a membership that is newer than the feed here show what came before it', async () => {
    const broker = new LossyBroker();
    const lossy = await makeWorld({ transport, broker, relay: false });
    try {
      const { port } = await lossy.startEdge();
      const { id, feed } = await createChannel(lossy, ann, { history: 'since-joined' });
      const first = await RawSocket.as(port, ann);
      first.send({ op: 'subscribe', feed });
      await first.next('subscribed');
      broker.fate = () => [];
      await post(lossy, ann, id, 'before');
      await lossy.commands.as(bob, 'conversations.JoinChannel', { channelId: id });
      const socket = await RawSocket.as(port, bob);
      socket.send({ op: 'subscribe', feed, from: 0 });
      await socket.next('subscribed');
      broker.heal();
      await post(lossy, ann, id, 'after');
      await socket.frame(4);
      expect(socket.revisions()).toEqual([...range(0, 2).map(bare), 3, 4]);
    } finally {
      await lossy.close();
    }
  });

  it('knows a feed that the read models have not seen', async () => {
    world.readStore.follows = false;
    const { id, feed } = await createChannel(world, ann);
    const socket = await follow(ann, feed, { from: 0 });
    await post(world, ann, id, 'hello');
    await socket.frame(2);
    expect(socket.revisions()).toEqual([0, 1, 2]);
  });

  it('forgets a feed that nobody follows any longer', async () => {
    const { feed } = await createChannel(world, ann);
    const socket = await follow(ann, feed);
    expect(edge.stats()).toMatchObject({ feeds: 1, liveSubscriptions: 1 });
    socket.send({ op: 'unsubscribe', feed });
    await socket.next('unsubscribed');
    expect(edge.stats()).toMatchObject({ feeds: 0, liveSubscriptions: 0 });
    const again = await follow(ann, feed);
    again.close();
    await eventually(() => edge.stats().feeds === 0);
  });
});
