import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { InProcessBroker } from '../../src/broker/in-process.js';
import { memoryEventStore } from '../../src/event-store/memory.js';
import type { ReadStreamOptions } from '../../src/event-store/port.js';
import { LiveStreams } from '../../src/relay/live-streams.js';
import { encodedEvents } from '../contract/event-store.js';
import { countingCodec, countingOf } from './counted-streams.js';
import { FaultyStore } from './faulty-store.js';
import { eventually } from './world.js';

const counting = countingOf('thing');

test('a state that is still being read is known to nobody, however many ask for it meanwhile', async () => {
  const memory = memoryEventStore();
  const readStream = memory.readStream.bind(memory);
  // As over a network.
  const eventStore = Object.assign(memory, {
    readStream: async (...asked: Parameters<typeof readStream>) => delay(5).then(() => readStream(...asked)),
  });
  await eventStore.append([{ stream: 'thing-1', expectedRevision: -1, events: encodedEvents(3) }]);
  const failed = (error: unknown) => {
    throw error;
  };
  const live = await LiveStreams.start({
    eventStore,
    codec: countingCodec,
    broker: new InProcessBroker(failed),
    onError: failed,
  });
  onTestFinished(() => live.stop());

  const first = live.current(counting, '1');
  await delay(1);
  expect(live.known(counting, '1')).toBeUndefined();
  expect(await Promise.all([first, live.current(counting, '1'), live.current(counting, '1')])).toEqual([3, 3, 3]);
  expect(live.known(counting, '1')).toBe(3);
});

test('what a stream has grown by while it was being read is read, too', async () => {
  const store = new LateStore(memoryEventStore());
  const failed = (error: unknown) => {
    throw error;
  };
  const live = await LiveStreams.start({
    eventStore: store,
    codec: countingCodec,
    broker: new InProcessBroker(failed),
    onError: failed,
  });
  onTestFinished(() => live.stop());
  await store.append([{ stream: 'thing-1', expectedRevision: -1, events: encodedEvents(1) }]);
  const release = store.holdAnswers();
  const asked = live.current(counting, '1');
  await eventually(() => store.answersHeld === 1);
  await store.append([{ stream: 'thing-1', expectedRevision: 0, events: encodedEvents(1) }]);
  live.note('thing-1', 1);
  release();
  expect(await asked).toBe(2);
});

/** Has read what its answers tell before they come. */
class LateStore extends FaultyStore {
  answersHeld = 0;
  #gate: Promise<void> = Promise.resolve();

  holdAnswers(): () => void {
    let release = () => {};
    this.#gate = new Promise((resolve) => {
      release = resolve;
    });
    return release;
  }

  override async readStream(stream: string, options: ReadStreamOptions) {
    const events = await super.readStream(stream, options);
    this.answersHeld += 1;
    await this.#gate;
    return events;
  }
}
