import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { watchedTopic } from '../../src/broker/subjects.js';
import { memoryEventStore } from '../../src/event-store/memory.js';
import type { EventStore, ReadStreamOptions } from '../../src/event-store/port.js';
import { LiveStreams } from '../../src/relay/live-streams.js';
import { LogWatch } from '../../src/relay/log-watch.js';
import { Relay } from '../../src/relay/relay.js';
import { encodedEvents } from '../contract/event-store.js';
import { countingCodec, countingOf } from '../edge/counted-streams.js';
import { FaultyStore } from '../edge/faulty-store.js';
import { anyFates, LossyBroker, quickRelay } from '../edge/lossy-broker.js';

/** Whatever becomes of what relays and publishers tell: who listens knows how far the log has come. */

const counting = countingOf('account');

type Step =
  | { readonly kind: 'append' | 'ask'; readonly id: number }
  | { readonly kind: 'pause'; readonly ms: number }
  | { readonly kind: 'reconnect' };

const id = fc.nat({ max: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('append' as const), id }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('ask' as const), id }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pause' as const), ms: fc.nat({ max: 15 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'reconnect' as const }) },
);

/** Answers of streams come late, each after the next of these times in ms. */
class LateStore extends FaultyStore {
  #asked = 0;

  constructor(
    store: EventStore,
    private readonly delays: readonly number[],
  ) {
    super(store);
  }

  override async readStream(stream: string, options: ReadStreamOptions) {
    const events = await super.readStream(stream, options);
    await delay(this.delays[this.#asked++ % this.delays.length]);
    return events;
  }
}

interface Setting {
  readonly store: EventStore;
  readonly broker: LossyBroker;
  /** How many events each stream has. */
  readonly counts: number[];
}

async function perform(
  { store, broker, counts }: Setting,
  steps: readonly Step[],
  after: (step: Step) => void,
): Promise<void> {
  for (const each of steps) {
    if (each.kind === 'append') {
      const count = counts[each.id] as number;
      const stream = `account-${each.id}`;
      await store.append([{ stream, expectedRevision: count - 1, events: encodedEvents(1) }]);
      counts[each.id] = count + 1;
      broker.publish(watchedTopic, { stream, revision: count });
    } else if (each.kind === 'pause') await delay(each.ms);
    else if (each.kind === 'reconnect') broker.reconnect();
    after(each);
  }
}

async function withRelay(body: (setting: Setting) => Promise<void>): Promise<void> {
  const store = memoryEventStore();
  const broker = new LossyBroker();
  const relay = await Relay.start({ eventStore: store, broker, onError: console.error, ...quickRelay });
  try {
    await body({ store, broker, counts: [0, 0, 0] });
  } finally {
    await relay.stop();
    await broker.close();
    await store.close();
  }
}

const failed = (error: unknown) => {
  throw error;
};
/** Nothing is learnt because nothing is heard. */
const silenceMs = 600_000;
const timeout = 30_000;
const steps = fc.array(step, { minLength: 1, maxLength: 60 });

it('tells all heads up to where the log is known, at any moment, and all of the log in the end', async () => {
  await fc.assert(
    fc.asyncProperty(steps, anyFates, (drawn, fate) =>
      withRelay(async (setting) => {
        const { store, broker, counts } = setting;
        const heads: Record<string, number> = {};
        const onHeads = (told: Readonly<Record<string, number>>) => {
          for (const [stream, revision] of Object.entries(told)) {
            heads[stream] = Math.max(heads[stream] ?? -1, revision);
          }
        };
        const watch = await LogWatch.start({ broker, eventStore: store, onHeads, onLost: failed, silenceMs });
        const log: { stream: string; revision: number }[] = [];
        const isTold = () =>
          log.slice(0, Number(watch.through)).every(({ stream, revision }) => (heads[stream] ?? -1) >= revision);
        broker.fate = fate;
        await perform(setting, drawn, (each) => {
          if (each.kind === 'append') {
            log.push({ stream: `account-${each.id}`, revision: (counts[each.id] as number) - 1 });
          }
          expect(isTold()).toBe(true);
        });
        broker.heal();
        await vi.waitUntil(() => watch.through === BigInt(log.length), { timeout, interval: 2 });
        expect(isTold()).toBe(true);
        watch.stop();
      }),
    ),
    { numRuns: 60, endOnFailure: true },
  );
});

it('keeps states that are never older than those told before, and come to the log in the end', async () => {
  const delays = fc.array(fc.nat({ max: 12 }), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(steps, anyFates, delays, (drawn, fate, slowness) =>
      withRelay(async (setting) => {
        const { store, broker, counts } = setting;
        const eventStore = new LateStore(store, slowness);
        const live = await LiveStreams.start({ eventStore, codec: countingCodec, broker, onError: failed, silenceMs });
        const newest = [0, 0, 0];
        const asked: Promise<void>[] = [];
        const ask = async (which: number) => {
          const before = newest[which] as number;
          const state = await live.current(counting, String(which));
          expect(state).toBeGreaterThanOrEqual(before);
          expect(state).toBeLessThanOrEqual(counts[which] as number);
          newest[which] = Math.max(newest[which] as number, state);
        };
        broker.fate = fate;
        await perform(setting, drawn, (each) => {
          if (each.kind === 'ask') asked.push(ask(each.id));
        });
        broker.heal();
        await Promise.all(asked);
        for (const which of counts.keys()) {
          const isCurrent = async () => (await live.current(counting, String(which))) === counts[which];
          await vi.waitUntil(isCurrent, { timeout, interval: 2 });
        }
        live.stop();
      }),
    ),
    { numRuns: 60, endOnFailure: true },
  );
});
