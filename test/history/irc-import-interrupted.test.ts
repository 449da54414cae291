import fc from 'fast-check';
import { expect, it } from 'vitest';
import { channel } from '../../domain/conversations/channel.js';
import { systemActor } from '../../domain/decider.js';
import { parseStreamName } from '../../domain/ids.js';
import { createCodec } from '../../src/event-store/event-codec.js';
import { memoryEventStore } from '../../src/event-store/memory.js';
import { type EventStore, OutcomeUnknown } from '../../src/event-store/port.js';
import { IrcWorld } from './irc-world.js';

const nick = fc.constantFrom('ann', 'Ann', 'bob', 'eve[1]');
const line = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(nick, fc.constantFrom('hello', 'bye', '')).map(([n, text]) => `[10:00] <${n}> ${text}`),
  },
  nick.map((n) => `=== ${n} [n=x@host]  has joined #test`),
  nick.map((n) => `=== ${n} [n=x@host]  has left #test []`),
  fc.tuple(nick, nick).map(([before, after]) => `=== ${before} is now known as ${after}`),
  nick.map((n) => `=== ${n} sighs`),
);
const transcript = fc.array(line, { maxLength: 40 }).map((all) => all.map((each) => `${each}\n`).join(''));

/** A run that ends early, and how. */
const earlyEnd = fc.record({
  lotLines: fc.integer({ min: 1, max: 12 }),
  how: fc.constantFrom('signal', 'append lost', 'answer lost'),
  /** Of the appends, from 0. */
  at: fc.nat(12),
});

/** A log that fails at one append: before it is written, or before that is told. */
function failing(store: EventStore, at: number, how: 'append lost' | 'answer lost'): EventStore {
  let appends = 0;
  return {
    ...boundTo(store),
    async append(all) {
      const fails = appends++ >= at;
      if (fails && how === 'append lost') throw new OutcomeUnknown('lost');
      const stored = await store.append(all);
      if (fails) throw new OutcomeUnknown('lost');
      return stored;
    },
  };
}

function boundTo(store: EventStore): EventStore {
  return {
    append: (all) => store.append(all),
    readStream: (stream, options) => store.readStream(stream, options),
    readAll: (after, limit) => store.readAll(after, limit),
    follow: (options) => store.follow(options),
    head: () => store.head(),
    close: () => store.close(),
  };
}

it('ends up the same wherever it is interrupted, however often, in lots of any size', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(transcript, { minLength: 1, maxLength: 3 }),
      fc.array(earlyEnd, { maxLength: 4 }),
      async (contents, ends) => {
        const whole = await IrcWorld.open();
        await whole.import(await write(whole, contents), { lotLines: 7 });
        const interrupted = await IrcWorld.open();
        const paths = await write(interrupted, contents);
        for (const { lotLines, how, at } of ends) {
          if (how === 'signal') await importLots(interrupted, paths, lotLines, at);
          else {
            const eventStore = failing(memoryEventStore(interrupted.world.log), at, how);
            await interrupted.import(paths, { lotLines, eventStore }).catch(expectLost);
          }
        }
        await interrupted.import(paths, { lotLines: 5 });
        expect(await interrupted.story()).toEqual(await whole.story());
      },
    ),
    { numRuns: 60 },
  );
});

function write(irc: IrcWorld, contents: readonly string[]): Promise<string[]> {
  return Promise.all(contents.map((content, index) => irc.write(`2004-11-1${index}.txt`, content)));
}

async function importLots(irc: IrcWorld, paths: readonly string[], lotLines: number, lots: number): Promise<void> {
  const controller = new AbortController();
  let done = 0;
  const onProgress = () => {
    done += 1;
    if (done >= lots) controller.abort();
  };
  const { interrupted } = await irc.import(paths, { lotLines, signal: controller.signal, onProgress });
  expect(interrupted).toBe(controller.signal.aborted);
}

function expectLost(error: unknown): void {
  expect(error).toBeInstanceOf(OutcomeUnknown);
}

it('goes on when somebody changes the channel in the middle of it', async () => {
  const irc = await IrcWorld.open();
  const path = await irc.write('2004-11-15.txt', '[10:00] <ann> one\n[10:01] <ann> two\n[10:02] <ann> three\n');
  // The appends are: the channel, ann, the first line, the second one.
  const eventStore = disturbed(memoryEventStore(irc.world.log), 3, () => removeEverybody(irc));
  await irc.import([path], { lotLines: 1, eventStore });
  expect((await irc.story()).map((told) => told.slice(told.indexOf(' ') + 1))).toEqual([
    'ann implied',
    '<ann> one',
    'ann removed',
    'ann implied',
    '<ann> two',
    '<ann> three',
  ]);
});

it('goes on when somebody is forgotten in the middle of it', async () => {
  const irc = await IrcWorld.open();
  await irc.import([await irc.write('2004-11-14.txt', '[10:00] <ann> hello\n[10:01] <bob> hi\n')]);
  const path = await irc.write('2004-11-15.txt', '[10:00] <ann> one\n[10:01] <bob> two\n[10:02] <ann> three\n');
  const codec = createCodec(irc.world.keys);
  // The first append is the first line.
  const eventStore = disturbed(memoryEventStore(irc.world.log), 0, () => irc.forget('bob', codec));
  const { tally } = await irc.import([path], { lotLines: 1, eventStore, codec });
  expect(tally.counts).toMatchObject({ lines: 3, messages: 2 });
  expect(tally.unread).toEqual(new Map([['person-forgotten', [{ file: path, line: 2 }]]]));
  expect((await irc.story()).filter((told) => told.startsWith('11-15'))).toEqual([
    '11-15T10:00 <ann> one',
    '11-15T10:02 <ann> three',
  ]);
});

/** A log in which something happens right before one of our appends. */
function disturbed(store: EventStore, at: number, disturb: () => Promise<void>): EventStore {
  let appends = 0;
  return {
    ...boundTo(store),
    async append(all) {
      if (appends++ === at) await disturb();
      return store.append(all);
    },
  };
}

async function removeEverybody(irc: IrcWorld): Promise<void> {
  const pipeline = await irc.world.process();
  const stream = (await irc.events()).find((event) => event.stream.startsWith('channel-'))?.stream ?? '';
  const { members } = await pipeline.loadState(channel, stream);
  for (const personId of members.keys()) {
    const input = { channelId: parseStreamName(stream).id, personId };
    await pipeline.execute({ type: 'conversations.RemoveMember', input, actor: systemActor });
  }
}
