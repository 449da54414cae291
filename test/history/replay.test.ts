import { describe, expect, it } from 'vitest';
import { systemActor } from '../../domain/decider.js';
import type { CommandType } from '../../src/commands/port.js';
import { createCodec } from '../../src/event-store/event-codec.js';
import { memoryEventStore } from '../../src/event-store/memory.js';
import { Names } from '../../src/history/names.js';
import { NoSuchFeed, type ReplayOptions, replayFeed } from '../../src/history/replay.js';
import { World } from '../commands/world.js';
import { idOf } from '../domain/specification.js';

const ann = idOf(1);
const bob = idOf(2);

/** A channel with this history: 0 created, 1 ann in, 2 one, 3 bob in, 4 two, 5 bob removed, 6 three, 7 bob in, 8 four. */
async function channelOfFour(history: 'all' | 'since-joined') {
  const world = await World.open();
  let now = Date.parse('2030-01-01T12:00:00Z');
  const pipeline = await world.process({ clock: () => now });
  const { id, stream } = await pipeline.execute({
    type: 'conversations.CreateChannel',
    input: { name: 'test', history },
    actor: { id: ann },
  });
  const step = (type: string, actor: string, input: object) => {
    now += 60_000;
    return pipeline.execute({
      type: `conversations.${type}` as CommandType,
      input: { channelId: id, ...input },
      actor: { id: actor },
    });
  };
  await step('PostMessage', ann, { text: 'one' });
  await step('JoinChannel', bob, {});
  await step('PostMessage', ann, { text: 'two' });
  await step('RemoveMember', ann, { personId: bob });
  await step('PostMessage', ann, { text: 'three' });
  await step('JoinChannel', bob, {});
  await step('PostMessage', bob, { text: 'four' });
  const eventStore = memoryEventStore(world.log);
  const codec = createCodec(world.keys);
  const replay = async (options: Omit<ReplayOptions, 'eventStore' | 'codec' | 'feed'>) => {
    const frames = [];
    for await (const frame of replayFeed({ eventStore, codec, feed: stream, ...options })) frames.push(frame);
    return frames;
  };
  return { world, pipeline, eventStore, codec, replay };
}

const revisions = (frames: readonly { revision: number }[]) => frames.map(({ revision }) => revision);
const shown = (frames: readonly { revision: number }[]) => revisions(frames.filter((frame) => 'data' in frame));

describe('replay', () => {
  it('shows the whole feed', async () => {
    const { replay } = await channelOfFour('all');
    const frames = await replay({});
    expect(revisions(frames)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(frames.at(-1)).toMatchObject({ type: 'conversations.MessagePosted', data: { text: 'four' }, actor: bob });
  });

  it('shows from one revision to another, both included', async () => {
    const { replay } = await channelOfFour('all');
    expect(revisions(await replay({ from: { revision: 2 }, to: { revision: 4 } }))).toEqual([2, 3, 4]);
    expect(await replay({ from: { revision: 9 } })).toEqual([]);
  });

  it('shows from one moment to another, both included', async () => {
    const { replay } = await channelOfFour('all');
    const at = (minute: number) => ({ at: Date.parse('2030-01-01T12:00:00Z') + minute * 60_000 });
    expect(revisions(await replay({ from: at(1), to: at(3) }))).toEqual([2, 3, 4]);
  });

  it('shows somebody only what they may see, and the rest as bare frames', async () => {
    const { replay } = await channelOfFour('all');
    expect(shown(await replay({ as: bob }))).toEqual([0, 1, 2, 3, 4, 5, 7, 8]);
    expect((await replay({ as: bob }))[6]).toEqual({
      op: 'event',
      feed: expect.any(String),
      revision: 6,
      position: '7',
    });
    expect(shown(await replay({ as: idOf(3) }))).toEqual([]);
  });

  it('shows somebody what came before they joined only where the channel grants it', async () => {
    const { replay } = await channelOfFour('since-joined');
    expect(shown(await replay({ as: bob }))).toEqual([3, 4, 5, 7, 8]);
  });

  it('tells when there is no such feed', async () => {
    const { eventStore, codec } = await channelOfFour('all');
    const replay = replayFeed({ eventStore, codec, feed: 'channel-none' });
    await expect(replay.next()).rejects.toThrow(NoSuchFeed);
  });
});

describe('names', () => {
  it('are read from the log, none for somebody forgotten or unknown', async () => {
    const { world, pipeline, eventStore } = await channelOfFour('all');
    for (const [personId, name] of [
      [ann, 'Ann'],
      [bob, 'Bob'],
    ]) {
      await pipeline.execute({ type: 'identity.IntroducePerson', input: { personId, name }, actor: systemActor });
    }
    await world.keys.destroy([bob]);
    const names = new Names(eventStore, createCodec(world.keys));
    expect(await names.nameOf(ann)).toBe('Ann');
    expect(await names.nameOf(bob)).toBeNull();
    expect(await names.nameOf(idOf(3))).toBeNull();
    expect(await names.nameOf('system')).toBeNull();
  });
});
