import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InProcessBroker } from '../../src/broker/in-process.js';
import { type Announcement, announcementTopic } from '../../src/broker/subjects.js';
import { Relay } from '../../src/relay/relay.js';
import { createChannel, eventually, makeWorld, personOf, post, type World } from './world.js';

const ann = personOf(1);

describe('the relay', () => {
  let world: World;
  let broker: InProcessBroker;
  let announcements: Announcement[];
  const relays: Relay[] = [];
  const errors: unknown[] = [];

  beforeEach(async () => {
    broker = new InProcessBroker((error) => console.error(error));
    world = await makeWorld({ transport: 'ws', relay: false });
    announcements = [];
    errors.length = 0;
    broker.subscribe(announcementTopic, (message) => announcements.push(message));
  });

  afterEach(async () => {
    for (const relay of relays.splice(0)) await relay.stop();
    await world.close();
  });

  async function start(eventStore = world.eventStore): Promise<Relay> {
    const relay = await Relay.start({
      eventStore,
      broker,
      onError: (error) => errors.push(error),
      coalesceMs: 5,
      signOfLifeMs: 20,
      retryMs: 10,
    });
    relays.push(relay);
    return relay;
  }

  const through = () => announcements.at(-1)?.through;

  it('announces ranges of the log that join, with the heads of the feeds in them', async () => {
    await createChannel(world, ann);
    await start();
    const { id, feed } = await createChannel(world, ann);
    const { position } = await post(world, ann, id, 'hello');
    await eventually(() => through() === position);
    expect(announcements[0]?.after).toBe('2');
    for (const [index, { after }] of announcements.entries()) {
      if (index > 0) expect(after).toBe(announcements[index - 1]?.through);
    }
    expect(Object.assign({}, ...announcements.map(({ heads }) => heads))).toEqual({ [feed]: 2 });
  });

  it('tells nothing of streams that nobody may follow', async () => {
    await start();
    await world.commands.append('emailReservation-1', [{ type: 'identity.ValueReserved', data: { owner: ann } }], {
      id: ann,
    });
    await eventually(() => through() === '1');
    expect(announcements.every(({ heads }) => Object.keys(heads).length === 0)).toBe(true);
  });

  it('gives a sign of life when nothing happens', async () => {
    await start();
    await eventually(() => announcements.length >= 3);
    expect(announcements.at(-1)).toEqual({ after: '0', through: '0', heads: {} });
  });

  it('is silent while the log can not be followed, and goes on where it was', async () => {
    const { eventStore } = world;
    let failing = true;
    await start({
      append: (appends) => eventStore.append(appends),
      readStream: (stream, options) => eventStore.readStream(stream, options),
      readAll: (after, limit) => eventStore.readAll(after, limit),
      follow(options) {
        if (failing) throw new Error('the log fails');
        return eventStore.follow(options);
      },
      head: () => eventStore.head(),
      close: () => eventStore.close(),
    });
    const { feed } = await createChannel(world, ann);
    await eventually(() => errors.length >= 5);
    expect(announcements).toEqual([]);
    failing = false;
    await eventually(() => through() === '2');
    expect(announcements).toContainEqual({ after: '0', through: '2', heads: { [feed]: 1 } });
  });

  it('tells nothing any longer once it is stopped', async () => {
    const relay = await start();
    await relay.stop();
    const { length } = announcements;
    await createChannel(world, ann);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(announcements).toHaveLength(length);
  });
});
