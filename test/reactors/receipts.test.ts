import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { systemActor } from '../../domain/decider.js';
import { InProcessBroker } from '../../src/broker/in-process.js';
import type { Pipeline } from '../../src/commands/pipeline.js';
import { createCodec } from '../../src/event-store/event-codec.js';
import { memoryEventStore } from '../../src/event-store/memory.js';
import { heedReceipts } from '../../src/event-store/receipts.js';
import { LiveStreams } from '../../src/relay/live-streams.js';
import { Receipts, type ReceiptsOptions } from '../../src/relay/receipts.js';
import { World } from '../commands/world.js';
import { idOf } from '../domain/specification.js';

const people = [1, 2, 3].map(idOf) as [string, string, string];
const [ann, bob, eve] = people;

/** Processes that hear of receipts while people are forgotten. */
class ForgettingWorld {
  static async open(): Promise<ForgettingWorld> {
    const world = await World.open();
    const pipeline = await world.process();
    for (const personId of people) {
      const input = { personId, name: `person ${personId}` };
      await pipeline.execute({ type: 'identity.IntroducePerson', actor: systemActor, input });
    }
    return new ForgettingWorld(world, pipeline);
  }

  private constructor(
    readonly world: World,
    private readonly pipeline: Pipeline,
  ) {}

  async forget(personId: string): Promise<void> {
    const input = { personId, emailReservation: null, usernameReservation: null, usernameRevision: 0 };
    await this.pipeline.execute({ type: 'identity.ForgetPerson', actor: systemActor, input });
  }

  async liveStreams(): Promise<LiveStreams> {
    const liveStreams = await LiveStreams.start({
      eventStore: memoryEventStore(this.world.log),
      codec: createCodec(this.world.keys),
      broker: new InProcessBroker(console.error),
      onError: console.error,
      silenceMs: 40,
    });
    onTestFinished(() => liveStreams.stop());
    return liveStreams;
  }

  /** @returns whom it was told of, and what went wrong */
  async hear(onForgotten?: ReceiptsOptions['onForgotten']) {
    const heard: string[] = [];
    const errors: unknown[] = [];
    const receipts = new Receipts({
      liveStreams: await this.liveStreams(),
      async onForgotten(forgotten) {
        await onForgotten?.(forgotten);
        heard.push(...forgotten);
      },
      onError: (error) => errors.push(error),
    });
    onTestFinished(() => receipts.stop());
    await receipts.tell();
    return { heard, errors, receipts };
  }
}

describe('receipts of forgetting', () => {
  it('are heard of, those of the past at the start, and others as they come', async () => {
    const world = await ForgettingWorld.open();
    await world.forget(ann);
    await world.forget(bob);
    const { heard } = await world.hear();
    expect(heard).toEqual([ann, bob]);
    await world.forget(eve);
    await vi.waitFor(() => expect(heard).toEqual([ann, bob, eve]), 10_000);
  });

  it('are heeded again until it is done', async () => {
    const world = await ForgettingWorld.open();
    await world.forget(ann);
    let failures = 1;
    const { heard, errors } = await world.hear(() => {
      failures -= 1;
      if (failures >= 0) throw new Error('the disk is full');
    });
    expect(heard).toEqual([ann]);
    expect(errors).toEqual([new Error('the disk is full')]);
  });

  it('are heard of once by each process, although others of its streams grow', async () => {
    const world = await ForgettingWorld.open();
    const { heard, receipts } = await world.hear();
    await world.forget(ann);
    await Promise.all([receipts.tell(), receipts.tell(), receipts.tell()]);
    await receipts.tell();
    await vi.waitFor(() => expect(heard).toEqual([ann]), 10_000);
  });

  it('have a key destroyed that a restored key store has brought back', async () => {
    const world = await ForgettingWorld.open();
    await world.forget(ann);
    await world.hear((forgotten) => world.world.keys.destroy(forgotten));
    const keys = await world.world.keys.get(people);
    expect([keys.get(ann), keys.get(bob)?.length]).toEqual([null, 32]);
  });

  it('keep who only reads the log from opening anything under such a key', async () => {
    const world = await ForgettingWorld.open();
    await world.forget(ann);
    const eventStore = memoryEventStore(world.world.log);
    const codec = createCodec(world.world.keys);
    await heedReceipts(eventStore, codec);
    const names = (await codec.decode(await eventStore.readAll(0n, 3))).map(
      ({ data }) => (data as { name: unknown }).name,
    );
    expect(names).toEqual([null, `person ${bob}`, `person ${eve}`]);
  });
});
