import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Pipeline } from '../../src/commands/pipeline.js';
import { CommandRejected, type CommandReply } from '../../src/commands/port.js';
import { createCodec } from '../../src/event-store/event-codec.js';
import { memoryEventStore } from '../../src/event-store/memory.js';
import { type EventStore, OutcomeUnknown, type StreamAppend } from '../../src/event-store/port.js';
import { verifyLog } from '../../src/event-store/verify.js';
import { World } from '../commands/world.js';
import { idOf } from '../domain/specification.js';

/**
 * Processes that share a log take commands, repeat them, crash in the middle and come back. Whatever happens: an
 * acknowledged command's events are in the log once, a refused one's are not, and a repeated one is told the same.
 */

const owner = { id: idOf(1) };
const people = [owner.id, idOf(2), idOf(3)];
const processCount = 2;

type Fault = 'none' | 'lost-before' | 'lost-after';

interface Send {
  readonly kind: 'send';
  readonly process: number;
  /** Few, so that commands are often sent again. */
  readonly key: number;
  readonly copies: number;
  readonly fault: Fault;
  /** Whether the next step waits for it. */
  readonly awaited: boolean;
}
type Step = Send | { readonly kind: 'crash'; readonly process: number };

const process = fc.nat(processCount - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      process,
      key: fc.nat(11),
      copies: fc.integer({ min: 1, max: 3 }),
      fault: fc.constantFrom<Fault>('none', 'none', 'none', 'lost-before', 'lost-after'),
      awaited: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const), process }) },
);

/** The command that goes with a key: posts, joins, leaves and removals by several people. */
function requestOf(channelId: string, key: number) {
  const actor = { id: people[key % people.length] as string };
  const base = { actor, idempotencyKey: `key-${key}` };
  if (key < 7)
    return { ...base, type: 'conversations.PostMessage', input: { channelId, text: `text ${key}` } } as const;
  if (key < 9) return { ...base, type: 'conversations.JoinChannel', input: { channelId } } as const;
  if (key === 9) return { ...base, type: 'conversations.LeaveChannel', input: { channelId } } as const;
  const input = { channelId, personId: people[key - 9] as string };
  return { ...base, actor: owner, type: 'conversations.RemoveMember', input } as const;
}

/** A process's connection to the log, which can lose an append or its answer, and dies with its process. */
class FaultyStore {
  readonly faults: Fault[] = [];
  readonly store: EventStore;

  constructor(world: World) {
    const inner = memoryEventStore(world.log);
    const append = inner.append.bind(inner);
    this.store = Object.assign(inner, {
      append: async (appends: readonly StreamAppend[]) => {
        const fault = this.faults.shift() ?? 'none';
        if (fault === 'lost-before') throw new OutcomeUnknown(fault);
        const stored = await append(appends);
        if (fault === 'lost-after') throw new OutcomeUnknown(fault);
        return stored;
      },
    });
  }
}

it('every command has at most one effect, and its answer is true, whatever is lost, repeated or crashes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const world = await World.open();
      const stores = Array.from({ length: processCount }, () => new FaultyStore(world));
      const processes: Pipeline[] = await Promise.all(stores.map(({ store }) => world.process({ eventStore: store })));
      const created = await (processes[0] as Pipeline).execute({
        type: 'conversations.CreateChannel',
        input: { name: 'general' },
        actor: owner,
      });
      const replies = new Map<number, CommandReply[]>();
      const under: Promise<unknown>[] = [];

      for (const each of steps) {
        if (each.kind === 'crash') {
          const restarted = new FaultyStore(world);
          stores[each.process] = restarted;
          processes[each.process] = await world.process({ eventStore: restarted.store });
          continue;
        }
        stores[each.process]?.faults.push(each.fault);
        const sent = Array.from({ length: each.copies }, async () => {
          try {
            const reply = await (processes[each.process] as Pipeline).execute(requestOf(created.id, each.key));
            replies.set(each.key, [...(replies.get(each.key) ?? []), reply]);
          } catch (error) {
            if (!(error instanceof OutcomeUnknown || error instanceof CommandRejected)) throw error;
          }
        });
        under.push(...sent);
        if (each.awaited) await Promise.all(sent);
      }
      await Promise.all(under);
      await checkLog(world, created.id, replies);
    }),
    { numRuns: 60 },
  );
}, 120_000);

async function checkLog(world: World, channelId: string, replies: ReadonlyMap<number, CommandReply[]>): Promise<void> {
  const events = await world.events();
  const places = events.map(({ metadata, type }) => `${metadata.commandId} ${type}`);
  expect(new Set(places).size).toBe(places.length);
  for (let key = 0; key < 7; key += 1) {
    const posted = events.filter((event) => (event.data as { text?: string }).text === `text ${key}`);
    expect(posted.length).toBeLessThanOrEqual(1);
    for (const reply of replies.get(key) ?? []) {
      expect(reply).toMatchObject({ revision: posted[0]?.revision, position: String(posted[0]?.position), channelId });
    }
  }
  const log = memoryEventStore(world.log);
  const findings = [];
  for await (const finding of verifyLog([await log.readAll(0n, 10_000)], createCodec(world.keys)))
    findings.push(finding);
  expect(findings).toEqual([]);
}
