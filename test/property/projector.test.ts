import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { ChannelCreated, MemberJoined, MemberLeft, MessagePosted } from '../../domain/conversations/channel.js';
import { PersonForgotten, ProfileCreated } from '../../domain/identity/profile.js';
import { SignInFailed } from '../../domain/identity/sign-in.js';
import { auditProjection } from '../../projections/audit/audit.js';
import { projections } from '../../projections/catalogue.js';
import { conversationsProjection } from '../../projections/conversations/conversations.js';
import type { Message } from '../../projections/conversations/messages.js';
import { changes, creates, deletes, on, type Projection } from '../../projections/projection.js';
import { roomsProjection } from '../../projections/rooms/rooms.js';
import { createCodec } from '../../src/event-store/event-codec.js';
import { CheckpointAhead } from '../../src/projector/checkpoint-ahead.js';
import { Cohort } from '../../src/projector/cohort.js';
import { ProjectionRun } from '../../src/projector/projection-run.js';
import { buildBeside, rebuildProjections } from '../../src/projector/rebuild.js';
import { GenerationGone } from '../../src/read-store/port.js';
import { idOf } from '../domain/specification.js';
import { failing, slow, type WriteFault, withFollow } from './projector-faults.js';
import { ProjectorWorld } from './projector-world.js';

const channelStream = `channel-${idOf(1)}`;
const author = idOf(2);

const created = ChannelCreated({
  channelId: idOf(1),
  name: 'ubuntu',
  kind: 'public',
  history: 'all',
  createdBy: author,
});
const joined = MemberJoined({ personId: author, role: 'member', how: 'joined' });
const posted = (text: string) => MessagePosted({ authorId: author, kind: 'message', text });

/** A projection whose fold throws at messages with the text `poison`, until it is mended. */
function fragile(version = 1, mended = () => false): Projection {
  const fold = on(
    MessagePosted,
    (event) => event.stream,
    (document: { count: number } | undefined, event) => {
      if (event.data.text === 'poison' && !mended()) throw new Error('that tastes bad');
      return { count: (document?.count ?? 0) + version };
    },
  );
  return { name: 'fragile', version, collections: [{ name: 'counts', indexes: [], folds: new Map([fold]) }] };
}

const count = async (world: ProjectorWorld) =>
  (await world.readStore.read((reader) => reader.get<{ count: number }>('counts', channelStream)))?.count;

describe('the projector', () => {
  it('folds what is there and what comes', async () => {
    const world = await ProjectorWorld.open();
    await world.append(channelStream, created, joined);
    const projector = await world.start();
    await world.caughtUp();
    await world.append(channelStream, posted('hello'));
    await world.caughtUp();
    await world.expectAllRight();
    expect(projector.status().projections.map(({ state }) => state)).toEqual(projections.map(() => 'following'));
  });

  it('goes on where it stopped', async () => {
    const world = await ProjectorWorld.open();
    await world.append(channelStream, created, joined);
    const first = await world.start();
    await world.caughtUp();
    await first.stop();
    await world.append(channelStream, posted('while nobody looks'));
    await world.start();
    await world.caughtUp();
    await world.expectAllRight();
  });

  it('stops a projection whose fold throws, keeps its checkpoint, and goes on with the others', async () => {
    const world = await ProjectorWorld.open();
    const all = [...projections, fragile()];
    const projector = await world.start({ projections: all });
    await world.append(channelStream, created, joined, posted('good'));
    await world.caughtUp([...projections.map(({ name }) => name), 'fragile']);
    const before = world.log.head();
    await world.append(channelStream, posted('poison'));
    await world.append(channelStream, posted('after'));
    await world.caughtUp();
    await world.expectAllRight();
    const status = projector.status().projections.find(({ projection }) => projection === 'fragile');
    expect(status).toMatchObject({ state: 'stopped', position: before });
    expect(status?.failure).toContain('that tastes bad');
    expect(await world.readStore.liveCheckpoint('fragile')).toBe(before);
    expect(await count(world)).toBe(1);
    expect(projector.status().failure).toBeUndefined();
  });

  it('lets a stopped projection catch up with the others once it is mended and started again', async () => {
    const world = await ProjectorWorld.open();
    let mended = false;
    const all = [...projections, fragile(1, () => mended)];
    await world.append(channelStream, created, joined, posted('good'), posted('poison'));
    const first = await world.start({ projections: all, pageSize: 1 });
    await world.caughtUp();
    await first.stop();
    mended = true;
    const second = await world.start({ projections: all, pageSize: 1 });
    await world.append(channelStream, posted('after'));
    await world.caughtUp([...projections.map(({ name }) => name), 'fragile']);
    expect(await count(world)).toBe(3);
    await vi.waitFor(() =>
      expect(new Set(second.status().projections.map(({ state }) => state))).toEqual(new Set(['following'])),
    );
  });

  it('builds a new version beside the old one, which is served until then', async () => {
    const world = await ProjectorWorld.open();
    await world.append(channelStream, created, joined, posted('one'), posted('two'));
    const first = await world.start({ projections: [fragile()] });
    await world.caughtUp(['fragile']);
    await first.stop();
    expect(await count(world)).toBe(2);
    const seen = new Set<number | undefined>();
    const second = await world.start({ projections: [fragile(10)] });
    await vi.waitFor(async () => {
      seen.add(await count(world));
      expect(await count(world)).toBe(20);
    });
    expect([...seen].filter((value) => value !== 2 && value !== 20)).toEqual([]);
    await world.append(channelStream, posted('three'));
    await world.caughtUp(['fragile']);
    expect(await count(world)).toBe(30);
    expect(second.status().projections[0]?.state).toBe('following');
  });

  it('keeps the old version where the new one can not fold the log', async () => {
    const world = await ProjectorWorld.open();
    await world.append(channelStream, created, joined, posted('poison'));
    const first = await world.start({ projections: [fragile(1, () => true)] });
    await world.caughtUp(['fragile']);
    await first.stop();
    const second = await world.start({ projections: [fragile(2)] });
    await vi.waitFor(() => expect(second.status().projections[0]?.state).toBe('stopped'));
    expect(await count(world)).toBe(1);
  });

  it('rebuilds beside the live read models while appends and reads go on, and finds them equal', async () => {
    const world = await ProjectorWorld.open();
    await world.append(channelStream, created, joined);
    for (let n = 0; n < 60; n += 1) {
      await world.append(channelStream, ...Array.from({ length: 100 }, (_, m) => posted(`${n} ${m}`)));
    }
    const projector = await world.start();
    await world.caughtUp();
    let rebuilding = true;
    const rebuilt = projector.rebuild(undefined, { compare: true }).finally(() => {
      rebuilding = false;
    });
    let revision = -1;
    while (rebuilding) {
      await world.append(channelStream, posted('meanwhile'));
      const channel = await world.readStore.read((reader) => reader.get<{ revision: number }>('channels', idOf(1)));
      // What readers see never goes back.
      expect(channel?.revision).toBeGreaterThanOrEqual(revision);
      revision = channel?.revision ?? -1;
      await setImmediate();
    }
    const report = await rebuilt;
    expect(report.map(({ projection }) => projection)).toEqual(projections.map(({ name }) => name));
    for (const { comparison } of report) expect(comparison?.differing).toBe(0);
    expect(report.find(({ projection }) => projection === 'conversations')?.comparison?.documents).toBeGreaterThan(
      6_000,
    );
    await world.caughtUp();
    await world.expectAllRight();
  });

  it('tells which documents a rebuild makes otherwise', async () => {
    const world = await ProjectorWorld.open();
    await world.append(channelStream, created, joined, posted('hello'));
    const projector = await world.start();
    await world.caughtUp();
    const live = await world.readStore.open(roomsProjection);
    const room = { collection: 'rooms', id: 'ghost', document: { name: 'never created' } };
    await world.readStore.put(live, [room]);
    const [report] = await projector.rebuild(['rooms'], { compare: true });
    expect(report?.comparison).toEqual({
      documents: 1,
      differing: 1,
      differences: [{ collection: 'rooms', id: 'ghost', what: 'only in the live generation' }],
    });
    expect(await world.documents(roomsProjection)).toEqual({});
  });

  it('leaves the live generation where a rebuild fails', async () => {
    const world = await ProjectorWorld.open();
    let poisonous = false;
    const projector = await world.start({ projections: [fragile(1, () => !poisonous)] });
    await world.append(channelStream, created, joined, posted('poison'));
    await world.caughtUp(['fragile']);
    poisonous = true;
    await expect(projector.rebuild()).rejects.toThrow('that tastes bad');
    expect(await count(world)).toBe(1);
    await world.append(channelStream, posted('after'));
    await world.caughtUp(['fragile']);
    expect(await count(world)).toBe(2);
  });

  it('goes on with the new generation when another process has rebuilt', async () => {
    const world = await ProjectorWorld.open();
    await world.append(channelStream, created, joined, posted('one'));
    const projector = await world.start();
    await world.caughtUp();
    await rebuildProjections(world.parts, projections);
    await world.append(channelStream, posted('two'));
    await world.caughtUp();
    await world.expectAllRight();
    expect(projector.status().failure).toBeUndefined();
  });

  it('tries again when the read store can not be written, and loses nothing', async () => {
    const world = await ProjectorWorld.open();
    let full = true;
    const readStore: typeof world.readStore = Object.assign(Object.create(world.readStore), {
      write: (...write: Parameters<typeof world.readStore.write>) =>
        full ? Promise.reject(new Error('the disk is full')) : world.readStore.write(...write),
    });
    for (const name of ['open', 'begin', 'discardUnfinished', 'checkpoint', 'liveCheckpoint', 'load'] as const) {
      Object.assign(readStore, { [name]: (world.readStore[name] as () => unknown).bind(world.readStore) });
    }
    const projector = await world.start({ readStore });
    await world.append(channelStream, created, joined, posted('one'));
    await vi.waitFor(() => expect(projector.status().failure).toBe('the disk is full'));
    full = false;
    await world.caughtUp();
    await world.expectAllRight();
    await vi.waitFor(() => expect(projector.status().failure).toBeUndefined());
  });

  it('tries again what it could not write, also when nothing comes after it', async () => {
    const world = await ProjectorWorld.open();
    const faults: WriteFault[] = ['none', 'refused'];
    await world.start({ readStore: failing(world.readStore, () => faults.shift() ?? 'none'), pageSize: 2 });
    await world.append(channelStream, created, joined);
    await world.caughtUp();
    await world.expectAllRight();
  });

  it('does not go on to tell of what has failed where nothing is left to be folded', async () => {
    const world = await ProjectorWorld.open();
    await world.append(channelStream, created, joined);
    let isDown = false;
    let lose = () => {};
    const eventStore = withFollow(world.eventStore, async function* (options) {
      if (isDown) throw new Error('the log is away');
      const lost = new AbortController();
      lose = () => lost.abort();
      yield* world.eventStore.follow({ ...options, signal: AbortSignal.any([options.signal, lost.signal]) });
      if (lost.signal.aborted) throw new Error('the log is away');
    });
    const projector = await world.start({ eventStore });
    await world.caughtUp();
    isDown = true;
    lose();
    await vi.waitFor(() => expect(projector.status().failure).toBe('the log is away'));
    isDown = false;
    await vi.waitFor(() => expect(projector.status().failure).toBeUndefined(), { timeout: 10_000 });
    await world.append(channelStream, posted('afterwards'));
    await world.caughtUp();
    await world.expectAllRight();
  });

  it('does not go on to tell of what has failed once those that were left behind have caught up', async () => {
    const world = await ProjectorWorld.open();
    await world.append(channelStream, created, joined);
    let isDown = false;
    const readStore = failing(world.readStore, ({ projection }) =>
      isDown && projection === conversationsProjection.name ? 'refused' : 'none',
    );
    const projector = await world.start({ readStore });
    await world.caughtUp();
    isDown = true;
    await world.append(channelStream, posted('one'));
    await vi.waitFor(() => expect(projector.status().failure).toBeDefined());
    isDown = false;
    await world.caughtUp();
    await vi.waitFor(() => expect(projector.status().failure).toBeUndefined(), { timeout: 10_000 });
    await world.expectAllRight();
  });

  it('refuses to start where a checkpoint is ahead of the log', async () => {
    const world = await ProjectorWorld.open();
    await world.append(channelStream, created);
    const live = await world.readStore.open(conversationsProjection);
    await world.readStore.write(live, [], 2n);
    await expect(world.start()).rejects.toThrow(CheckpointAhead);
    await expect(world.start()).rejects.toThrow('conversations is at position 2, but the log ends at 1');
  });

  it('loses nothing of members who leave and join again within one page', async () => {
    const world = await ProjectorWorld.open();
    const left = MemberLeft({ personId: author, how: 'left', reason: null });
    await world.append(channelStream, created, joined, left, joined);
    await world.start();
    await world.caughtUp();
    await world.expectAllRight();
  });

  it('may run twice at once, since nothing is folded twice into a document', async () => {
    const world = await ProjectorWorld.open();
    await world.append(channelStream, created, joined);
    await world.start({ pageSize: 3 });
    await world.start({ pageSize: 5 });
    for (let n = 0; n < 100; n += 1) {
      await world.append(channelStream, posted(`${n}`));
      if (n % 3 === 0) await setImmediate();
    }
    await world.caughtUp();
    await world.expectAllRight();
  });

  it('does not fold again what another projector has folded into a document before it was loaded', async () => {
    const world = await ProjectorWorld.open();
    const others = [3, 4, 5].map((digit) => MemberJoined({ personId: idOf(digit), role: 'member', how: 'joined' }));
    await world.append(channelStream, created, joined, ...others);
    const events = await world.codec.decode(await world.eventStore.readAll(0n, 10));
    const live = await world.readStore.open(conversationsProjection);
    const take = async (run: ProjectionRun, through: number) => {
      await run.fold(events.slice(0, through));
      const { writes, position } = run.take();
      await world.readStore.write(live, writes, position);
    };
    const early = new ProjectionRun(conversationsProjection, live, world.readStore, 0n);
    await take(early, 2);
    const late = new ProjectionRun(conversationsProjection, live, world.readStore, 2n);
    await take(early, 4);
    await take(late, 5);
    expect(await world.documents(conversationsProjection)).toEqual(await world.expected(conversationsProjection, 5n));
  });

  describe('when someone is forgotten', () => {
    const profile = ProfileCreated({ personId: author, name: 'Ann', username: 'ann' });
    const forgotten = PersonForgotten({ personId: author });
    const textsIn = async (world: ProjectorWorld) =>
      (await world.readStore.read((reader) => reader.find<Message>('messages', { limit: 100 }))).map(
        ({ document }) => document.text,
      );

    it('takes what was theirs from every document, at once', async () => {
      const world = await ProjectorWorld.open();
      const others = MessagePosted({ authorId: idOf(3), kind: 'message', text: 'theirs' });
      await world.append(`user-${author}`, profile);
      await world.append(channelStream, created, joined, posted('mine'), others, posted('also mine'));
      await world.start();
      await world.caughtUp();
      expect(await textsIn(world)).toEqual(['mine', 'theirs', 'also mine']);
      await world.append(`user-${author}`, forgotten);
      await world.caughtUp();
      expect(await textsIn(world)).toEqual([null, 'theirs', null]);
      await world.expectAllRight();
    });

    it('takes it also from documents that are still being written', async () => {
      const world = await ProjectorWorld.open();
      await world.append(`user-${author}`, profile);
      await world.append(channelStream, created, joined, posted('mine'));
      await world.append(`user-${author}`, forgotten);
      // Which has heard of nothing yet, and folds a page while the one before is being written.
      const codec = createCodec(world.keys);
      await world.start({ codec, readStore: slow(world.readStore, 50), pageSize: 1 });
      await world.caughtUp();
      expect(await textsIn(world)).toEqual([null]);
      await world.expectAllRight();
    });

    it('takes it also from documents of the same page, of what was not sealed for them', async () => {
      const world = await ProjectorWorld.open();
      const failed = SignInFailed({ personId: author, addressSubject: 'address-a1', address: '192.0.2.1' });
      await world.append(`user-${author}`, profile);
      await world.append('signIn-a1', failed);
      await world.append(`user-${author}`, forgotten);
      await world.start();
      await world.caughtUp();
      expect(JSON.stringify(await world.documents(auditProjection))).not.toContain('192.0.2.1');
      await world.expectAllRight();
    });

    it('takes it also from documents that many pages have changed and nobody has written yet', async () => {
      const world = await ProjectorWorld.open();
      const left = MemberLeft({ personId: author, how: 'left', reason: 'a reason of mine' });
      await world.append(`user-${author}`, profile);
      await world.append(channelStream, created, joined, posted('mine'), left, joined);
      await world.append(`user-${author}`, forgotten);
      await world.append(channelStream, left);
      const written: string[] = [];
      const observer = { written: (run: ProjectionRun) => written.push(run.projection.name), failed: vi.fn() };
      // Of a process that has heard of nothing yet.
      const cohort = new Cohort({ codec: createCodec(world.keys), readStore: world.readStore }, observer, 100);
      const runs: ProjectionRun[] = [];
      for (const projection of projections) {
        runs.push(new ProjectionRun(projection, await world.readStore.open(projection), world.readStore, 0n));
      }
      for (const event of await world.eventStore.readAll(0n, 100)) await cohort.take([event], runs);
      expect(written).toEqual([]);
      await cohort.settle();
      expect(written).toEqual(projections.map(({ name }) => name));
      expect(await textsIn(world)).toEqual([null]);
      await world.expectAllRight();
    });

    it('opens nothing that others still store for them', async () => {
      const world = await ProjectorWorld.open();
      await world.append(`user-${author}`, profile);
      await world.append(channelStream, created, joined, posted('before'));
      await world.start();
      await world.caughtUp();
      await world.append(`user-${author}`, forgotten);
      await world.append(channelStream, posted('after'));
      await world.caughtUp();
      expect(await textsIn(world)).toEqual([null, null]);
      await world.expectAllRight();
    });

    it('drops what another process has begun to build and left, at its start and when someone is forgotten', async () => {
      const world = await ProjectorWorld.open();
      await world.append(`user-${author}`, profile);
      await world.append(channelStream, created, joined, posted('mine'));
      const left = async () => {
        const [run] = await buildBeside(world.parts, [conversationsProjection], {});
        return (run as ProjectionRun).generation;
      };
      const before = await left();
      await world.start();
      await expect(world.readStore.checkpoint(before)).rejects.toThrow(GenerationGone);
      await world.caughtUp();
      const meanwhile = await left();
      expect(await world.readStore.checkpoint(meanwhile)).toBe(world.log.head());
      await world.append(`user-${author}`, forgotten);
      await world.caughtUp();
      await expect(world.readStore.checkpoint(meanwhile)).rejects.toThrow(GenerationGone);
      await world.expectAllRight();
    });

    it('goes on with what it builds anew itself', async () => {
      const world = await ProjectorWorld.open();
      await world.append(`user-${author}`, profile);
      await world.append(channelStream, created, joined, posted('mine'));
      const projector = await world.start({ readStore: slow(world.readStore, 50) });
      await world.caughtUp();
      const rebuilt = projector.rebuild(undefined, { compare: true });
      await world.append(`user-${author}`, forgotten);
      expect((await rebuilt).map(({ comparison }) => comparison?.differing)).toEqual(projections.map(() => 0));
      await world.caughtUp();
      expect(await textsIn(world)).toEqual([null]);
      await world.expectAllRight();
    });

    it('comes to the same when it builds anew, whether their key is destroyed yet or not', async () => {
      const world = await ProjectorWorld.open();
      await world.append(`user-${author}`, profile);
      await world.append(channelStream, created, joined, posted('before'));
      const projector = await world.start();
      await world.append(`user-${author}`, forgotten);
      await world.append(channelStream, posted('after'));
      await world.caughtUp();
      const rebuild = async () => {
        const rebuilt = await projector.rebuild(undefined, { compare: true });
        expect(rebuilt.map(({ comparison }) => comparison?.differing)).toEqual(projections.map(() => 0));
      };
      await rebuild();
      await world.keys.destroy([author]);
      await rebuild();
      await world.expectAllRight();
    });
  });

  it('makes a document anew whatever it was before', async () => {
    const world = await ProjectorWorld.open();
    const id = ({ stream }: { stream: string }) => stream;
    const sinceLastJoin: Projection = {
      name: 'since',
      version: 1,
      collections: [
        {
          name: 'counts',
          indexes: [],
          folds: new Map([
            creates(MemberJoined, id, () => ({ count: 0 })),
            changes(MessagePosted, id, (document: { count: number }) => ({ count: document.count + 1 })),
            deletes(MemberLeft, id),
          ]),
        },
      ],
    };
    const left = MemberLeft({ personId: author, how: 'left', reason: null });
    const counts: unknown[] = [];
    await world.start({ projections: [sinceLastJoin], pageSize: 1 });
    for (const event of [created, joined, posted('1'), posted('2'), joined, posted('3'), left, posted('4'), joined]) {
      await world.append(channelStream, event);
      await world.caughtUp(['since']);
      counts.push(await count(world));
    }
    expect(counts).toEqual([undefined, 0, 1, 2, 0, 1, undefined, undefined, 0]);
  });
});
