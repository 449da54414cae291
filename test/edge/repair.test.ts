import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { announcementTopic } from '../../src/broker/subjects.js';
import { FaultyStore } from './faulty-store.js';
import { anyFates, LossyBroker, quickRelay } from './lossy-broker.js';
import { RawSocket } from './raw-socket.js';
import { bestTransport } from './transports.js';
import { createChannel, makeWorld, personOf, post, type World } from './world.js';

const ann = personOf(1);

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe('what the broker loses', () => {
  let world: World;
  let broker: LossyBroker;

  beforeEach(() => {
    broker = new LossyBroker();
  });

  afterEach(() => world.close());

  async function follow(port: number, feed: string): Promise<RawSocket> {
    const socket = await RawSocket.as(port, ann);
    socket.send({ op: 'subscribe', feed });
    await socket.next('subscribed');
    return socket;
  }

  const loseFrames = (subject: string) => (subject === announcementTopic.subject ? [0] : []);
  const loseAll = () => [];

  it('is read from the log as soon as a later frame comes', async () => {
    world = await makeWorld({ transport: bestTransport, broker, relay: false });
    const edge = await world.startEdge();
    const { id, feed } = await createChannel(world, ann);
    const socket = await follow(edge.port, feed);
    broker.fate = loseAll;
    await post(world, ann, id, 'lost');
    broker.heal();
    await post(world, ann, id, 'found');
    await socket.frame(3);
    expect(socket.revisions()).toEqual([2, 3]);
  });

  it('is read from the log when the relay announces it', async () => {
    world = await makeWorld({ transport: bestTransport, broker });
    const edge = await world.startEdge();
    const { id, feed } = await createChannel(world, ann);
    const socket = await follow(edge.port, feed);
    broker.fate = loseFrames;
    for (let n = 0; n < 10; n += 1) await post(world, ann, id, 'lost');
    await socket.frame(11);
    expect(socket.revisions()).toEqual(range(2, 11));
  });

  it('is read from the log when an announcement is missing', async () => {
    world = await makeWorld({ transport: bestTransport, broker });
    const edge = await world.startEdge();
    const [one, other] = [await createChannel(world, ann), await createChannel(world, ann)];
    const socket = await follow(edge.port, one.feed);
    broker.fate = loseAll;
    const { position } = await post(world, ann, one.id, 'lost');
    broker.heal();
    const next = String(BigInt(position) + 1n);
    broker.publish(announcementTopic, { after: position, through: next, heads: { [other.feed]: 2 } });
    await socket.frame(2);
  });

  it('is read from the log when the broker was out of reach and is back', async () => {
    world = await makeWorld({ transport: bestTransport, broker, relay: false });
    const edge = await world.startEdge();
    const { id, feed } = await createChannel(world, ann);
    const socket = await follow(edge.port, feed);
    broker.fate = loseAll;
    await post(world, ann, id, 'lost');
    broker.reconnect();
    await socket.frame(2);
  });

  it('is read from the log when no relay is heard of', async () => {
    world = await makeWorld({ transport: bestTransport, broker, relay: false });
    const edge = await world.startEdge();
    const { id, feed } = await createChannel(world, ann);
    const socket = await follow(edge.port, feed);
    broker.fate = loseAll;
    await post(world, ann, id, 'lost');
    await socket.frame(2);
  });

  it('closes the sockets with a word to come back when the log can not be read either', async () => {
    world = await makeWorld({ transport: bestTransport, broker, relay: false });
    const eventStore = new FaultyStore(world.eventStore);
    const edge = await world.startEdge({ eventStore });
    const { feed } = await createChannel(world, ann);
    const socket = await follow(edge.port, feed);
    eventStore.failing = true;
    broker.reconnect();
    await expect(socket.closed).resolves.toMatchObject({ code: 3003 });
  });

  it('closes the sockets of a feed whose gap can not be read', async () => {
    world = await makeWorld({ transport: bestTransport, broker });
    const eventStore = new FaultyStore(world.eventStore);
    const edge = await world.startEdge({ eventStore });
    const { id, feed } = await createChannel(world, ann);
    const socket = await follow(edge.port, feed);
    eventStore.failing = true;
    broker.fate = loseFrames;
    await post(world, ann, id, 'lost');
    await expect(socket.closed).resolves.toMatchObject({ code: 3003 });
  });

  it('reads a gap once, however many follow', async () => {
    world = await makeWorld({ transport: bestTransport, broker });
    const eventStore = new FaultyStore(world.eventStore);
    const edge = await world.startEdge({ eventStore, limits: { socketsPerPerson: 100 } });
    const { id, feed } = await createChannel(world, ann);
    const sockets = await Promise.all(range(1, 50).map(() => follow(edge.port, feed)));
    eventStore.eventsRead = 0;
    broker.fate = loseFrames;
    for (let n = 0; n < 10; n += 1) await post(world, ann, id, 'lost');
    for (const socket of sockets) await socket.frame(11);
    // the head of what was posted may have been announced in two parts
    expect(eventStore.eventsRead).toBeLessThanOrEqual(20);
  });

  it('never shows: with any losses, doubles and delays of all that is told, frames come once and in order', async () => {
    await fc.assert(
      fc.asyncProperty(anyFates, fc.integer({ min: 1, max: 30 }), async (fate, posts) => {
        const lossy = new LossyBroker();
        const small = await makeWorld({ transport: 'ws', broker: lossy, relay: quickRelay });
        try {
          const [edge, another] = [await small.startEdge(), await small.startEdge()];
          const { id, feed } = await createChannel(small, ann);
          lossy.fate = fate;
          const sockets = [await RawSocket.as(edge.port, ann), await RawSocket.as(another.port, ann)];
          for (const socket of sockets) socket.send({ op: 'subscribe', feed, from: 0 });
          for (let n = 0; n < posts; n += 1) await post(small, ann, id, `${n}`);
          lossy.heal();
          for (const socket of sockets) await socket.frame(1 + posts);
          for (const socket of sockets) expect(socket.revisions()).toEqual(range(0, 1 + posts));
        } finally {
          await small.close();
        }
      }),
      { numRuns: 50 },
    );
    world = await makeWorld({ transport: 'ws' });
  });
});
