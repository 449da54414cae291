import { expect, it } from 'vitest';
import { createCodec } from '../../src/event-store/event-codec.js';
import { memoryEventStore } from '../../src/event-store/memory.js';
import { verifyHistory } from '../../src/history/verification.js';
import { IrcWorld } from './irc-world.js';

const projection = { name: 'conversations', version: 1, collections: [] };

async function historyOfTwo() {
  const irc = await IrcWorld.open();
  await irc.import([await irc.write('2004-11-15.txt', '[09:14] <ann> hello\n')]);
  const { log, keys } = irc.world;
  const eventStore = memoryEventStore(log);
  return (checkpoint: bigint) =>
    verifyHistory({
      eventStore,
      codec: createCodec(keys),
      readStore: { liveCheckpoint: async () => checkpoint },
      projections: [projection],
    });
}

it('finds nothing in a log as it was written', async () => {
  const verify = await historyOfTwo();
  expect(await verify(5n)).toEqual({ events: 5, streams: 2, head: 5n, findings: [] });
});

it('finds a read model that is ahead of the log', async () => {
  const verify = await historyOfTwo();
  expect((await verify(6n)).findings).toEqual([
    {
      problem: 'checkpoint-ahead',
      projection: 'conversations',
      position: 6n,
      detail: 'the read model is at position 6, but the log ends at 5',
    },
  ]);
});

it('reports what is wrong in the log', async () => {
  const irc = await IrcWorld.open();
  await irc.import([await irc.write('2004-11-15.txt', '[09:14] <ann> hello\n')]);
  const { log, keys } = irc.world;
  const eventStore = memoryEventStore(log);
  const [first] = await eventStore.readAll(0n, 1);
  const changed = {
    head: () => eventStore.head(),
    readAll: async (after: bigint, limit: number) =>
      (await eventStore.readAll(after, limit)).map((event) =>
        event.id === first?.id ? { ...event, data: event.data.replace('test', 'best') } : event,
      ),
  };
  const { findings } = await verifyHistory({
    eventStore: changed,
    codec: createCodec(keys),
    readStore: { liveCheckpoint: async () => 0n },
    projections: [projection],
  });
  expect(findings).toMatchObject([{ problem: 'hash-mismatch', stream: first?.stream, revision: 1 }]);
});
