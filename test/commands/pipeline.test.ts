import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { channel } from '../../domain/conversations/channel.js';
import { systemActor } from '../../domain/decider.js';
import type { Pipeline } from '../../src/commands/pipeline.js';
import { CommandRejected, type CommandReply, InvalidInput, ShuttingDown } from '../../src/commands/port.js';
import { SubjectForgotten } from '../../src/event-store/codec.js';
import { createCodec } from '../../src/event-store/event-codec.js';
import { hashEvent } from '../../src/event-store/hash.js';
import { MemoryLog, memoryEventStore } from '../../src/event-store/memory.js';
import { type EventStore, LogDamaged, OutcomeUnknown, type StoredEvent } from '../../src/event-store/port.js';
import { toProblem } from '../../src/problems.js';
import { ServerUnavailable } from '../../src/server-unavailable.js';
import { idOf } from '../domain/specification.js';
import { World } from './world.js';

const [ada, ben] = [{ id: idOf(1) }, { id: idOf(2) }] as const;

async function withChannel(kind: 'public' | 'private' = 'public') {
  const world = await World.open();
  const pipeline = await world.process();
  const input = { name: 'general', kind };
  const created = await pipeline.execute({ type: 'conversations.CreateChannel', input, actor: ada });
  return { world, pipeline, channelId: created.id, stream: created.stream };
}

function post(pipeline: Pipeline, channelId: string, text: string, idempotencyKey?: string): Promise<CommandReply> {
  return pipeline.execute({
    type: 'conversations.PostMessage',
    input: { channelId, text },
    actor: ada,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  });
}

function refusal(code: string) {
  return expect.objectContaining({ constructor: CommandRejected, code });
}

describe('an accepted command', () => {
  it('is answered with where its event is, and with what it made', async () => {
    const { pipeline, channelId, stream } = await withChannel();
    const reply = await post(pipeline, channelId, 'hello');
    expect(reply).toMatchObject({ stream, channelId, revision: 2, position: '3', text: 'hello', authorId: ada.id });
  });

  it('is published once it is stored', async () => {
    const { world, pipeline, channelId } = await withChannel();
    await post(pipeline, channelId, 'hello');
    expect(world.published.at(-1)).toEqual((await world.events()).at(-1));
  });

  it('is answered and has one effect though nobody could be told of it', async () => {
    const { world, channelId } = await withChannel();
    const publish = () => {
      throw new Error('nobody listens');
    };
    const pipeline = await world.process({ publish });
    await Promise.all(['one', 'two', 'three'].map((text) => post(pipeline, channelId, text)));
    expect(await world.events()).toHaveLength(5);
  });

  it('leaves events that tell who, when, of which command, and chained to those before', async () => {
    const { world, pipeline, channelId, stream } = await withChannel();
    const actor = { ...ada, session: 'session-1' };
    await pipeline.execute({ type: 'conversations.PostMessage', input: { channelId, text: 'hello' }, actor });
    const stored = await memoryEventStore(world.log).readStream(stream, { limit: 10 });
    const metadata = stored.map((event) => JSON.parse(event.metadata));
    expect(metadata[2]).toMatchObject({
      actor: ada.id,
      session: 'session-1',
      commandType: 'conversations.PostMessage',
      version: '1',
    });
    expect(metadata.map(({ prevHash }) => prevHash)).toEqual(['', ...stored.slice(0, 2).map(hashEvent)]);
    expect(stored[2]?.data).not.toContain('hello');
  });

  it('that finds everything as asked already appends nothing', async () => {
    const { world, pipeline, channelId } = await withChannel();
    const before = (await world.events()).length;
    const reply = await pipeline.execute({ type: 'conversations.JoinChannel', input: { channelId }, actor: ada });
    expect(reply).toMatchObject({ id: channelId, revision: 1, position: '2' });
    expect(await world.events()).toHaveLength(before);
  });
});

describe('a refused command', () => {
  it('leaves nothing', async () => {
    const { world, pipeline, channelId } = await withChannel('private');
    const before = await world.events();
    const input = { channelId, text: 'let me in' };
    await expect(pipeline.execute({ type: 'conversations.PostMessage', input, actor: ben })).rejects.toEqual(
      refusal('not-found'),
    );
    expect(await world.events()).toEqual(before);
  });

  it.each([
    [{ name: 'x', colour: 'red' }, [{ field: 'colour', message: 'is not known' }]],
    [{}, [{ field: 'name', message: 'is required' }]],
    [{ name: ['x'] }, [{ field: 'name', message: expect.any(String) }]],
    [null, [{ field: '', message: expect.any(String) }]],
  ])('is told every field at fault: %j', async (input, errors) => {
    const pipeline = await (await World.open()).process();
    const refused = pipeline.execute({ type: 'conversations.CreateChannel', input, actor: ada });
    await expect(refused).rejects.toEqual(expect.objectContaining({ constructor: InvalidInput, errors }));
  });

  it('is told all fields that are required when one is missing', async () => {
    const pipeline = await (await World.open()).process();
    const refused = pipeline.execute({ type: 'meetings.CreateMeeting', input: { title: 'x' }, actor: ada });
    await expect(refused).rejects.toMatchObject({ required: ['title', 'startTime', 'endTime'] });
  });

  it('does not keep its neighbours of the same batch from being accepted', async () => {
    const { world, pipeline, channelId, stream } = await withChannel('private');
    const outsider = { type: 'conversations.PostMessage', input: { channelId, text: 'no' }, actor: ben } as const;
    const outcomes = await Promise.allSettled([
      post(pipeline, channelId, 'one'),
      pipeline.execute(outsider),
      post(pipeline, channelId, 'two'),
      pipeline.execute(outsider),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected']);
    expect(await world.typesIn(stream)).toEqual(['ChannelCreated', 'MemberJoined', 'MessagePosted', 'MessagePosted']);
  });

  it('is not refused for what another process has made possible meanwhile', async () => {
    const { world, pipeline, channelId } = await withChannel('private');
    const other = await world.process();
    await post(other, channelId, 'now the other process knows the channel');
    const input = { channelId, personId: ben.id };
    await pipeline.execute({ type: 'conversations.AddMember', input, actor: ada });
    const reply = await other.execute({
      type: 'conversations.PostMessage',
      input: { channelId, text: 'here I am' },
      actor: ben,
    });
    expect(reply.revision).toBe(4);
  });

  it('is refused for an outdated representation, but only to who may act', async () => {
    const { pipeline, channelId } = await withChannel('private');
    const add = { type: 'conversations.AddMember', input: { channelId, personId: ben.id } } as const;
    await expect(pipeline.execute({ ...add, actor: ada, ifMatch: 0 })).rejects.toEqual(refusal('stale-version'));
    await expect(pipeline.execute({ ...add, actor: ben, ifMatch: 0 })).rejects.toEqual(refusal('not-found'));
    await expect(pipeline.execute({ ...add, actor: ada, ifMatch: 1 })).resolves.toMatchObject({ revision: 2 });
  });
});

describe('a command with an Idempotency-Key', () => {
  it('has one effect and the same answer, also in another process', async () => {
    const { world, pipeline, channelId } = await withChannel();
    const first = await post(pipeline, channelId, 'hello', 'key');
    await post(pipeline, channelId, 'another');
    expect(await post(pipeline, channelId, 'hello', 'key')).toEqual(first);
    expect(await post(await world.process(), channelId, 'hello', 'key')).toEqual(first);
    expect(await world.events()).toHaveLength(4);
  });

  it('has one effect when it is sent several times at once', async () => {
    const { world, pipeline, channelId } = await withChannel();
    const others = await Promise.all([world.process(), world.process()]);
    // Keeps the mailbox busy, so that the others wait in it together.
    const before = post(pipeline, channelId, 'first');
    const replies = await Promise.all(
      [pipeline, pipeline, ...others, pipeline].map((process) => post(process, channelId, 'hello', 'key')),
    );
    await before;
    expect(new Set(replies.map((reply) => JSON.stringify(reply))).size).toBe(1);
    expect(await world.events()).toHaveLength(4);
  });

  it('makes one thing, whoever takes it first', async () => {
    const world = await World.open();
    const create = {
      type: 'conversations.CreateChannel',
      input: { name: 'general' },
      actor: ada,
      idempotencyKey: 'key',
    } as const;
    const processes = await Promise.all([world.process(), world.process(), world.process()]);
    const replies = await Promise.all(processes.map((process) => process.execute(create)));
    expect(new Set(replies.map(({ id }) => id)).size).toBe(1);
    expect(await world.events()).toHaveLength(2);
  });

  it('is refused with another input', async () => {
    const { pipeline, channelId } = await withChannel();
    await post(pipeline, channelId, 'hello', 'key');
    await expect(post(pipeline, channelId, 'changed', 'key')).rejects.toEqual(refusal('idempotency-key-reused'));
  });

  it('is known by what makes it the same where its input is made anew each time', async () => {
    const world = await World.open();
    const pipeline = await world.process();
    const register = (passwordHash: string) =>
      pipeline.execute({
        type: 'identity.RegisterAccount',
        input: {
          email: { address: 'ada@example.org', reservation: 'e1' },
          name: 'Ada',
          passwordHash,
          usernames: [{ username: 'ada', reservation: 'u1' }],
        },
        sameness: { email: 'ada@example.org', password: 'secret' },
        actor: systemActor,
        idempotencyKey: 'key',
      });
    expect(await register('salted-2')).toEqual(await register('salted-1'));
  });

  it('belongs to its actor', async () => {
    const { world, pipeline, channelId } = await withChannel();
    await pipeline.execute({
      type: 'conversations.JoinChannel',
      input: { channelId },
      actor: ben,
      idempotencyKey: 'key',
    });
    await post(pipeline, channelId, 'hello', 'key');
    expect(await world.events()).toHaveLength(4);
  });

  it('that was refused may be sent again', async () => {
    const { pipeline, channelId } = await withChannel();
    const input = { channelId, text: 'hello' };
    const request = { type: 'conversations.PostMessage', input, actor: ben, idempotencyKey: 'key' } as const;
    await expect(pipeline.execute(request)).rejects.toEqual(refusal('not-a-member'));
    await pipeline.execute({ type: 'conversations.JoinChannel', input: { channelId }, actor: ben });
    await expect(pipeline.execute(request)).resolves.toMatchObject({ revision: 3 });
  });
});

describe('many commands', () => {
  it('of one stream at once get revisions without gaps, each its own', async () => {
    const { pipeline, channelId } = await withChannel();
    const replies = await Promise.all(Array.from({ length: 600 }, (_, n) => post(pipeline, channelId, `message ${n}`)));
    expect(replies.map(({ revision }) => revision)).toEqual(Array.from({ length: 600 }, (_, n) => n + 2));
  });

  it('of several processes on one stream all get through', async () => {
    const { world, channelId, stream } = await withChannel();
    const processes = await Promise.all([world.process(), world.process(), world.process()]);
    await Promise.all(
      processes.flatMap((process) => Array.from({ length: 20 }, (_, n) => post(process, channelId, `message ${n}`))),
    );
    const events = (await world.events()).filter((event) => event.stream === stream);
    expect(events.map(({ revision }) => revision)).toEqual(Array.from({ length: 62 }, (_, n) => n));
  });

  it('that race for one value leave one winner, and nothing of the others', async () => {
    const world = await World.open();
    const processes = await Promise.all([world.process(), world.process()]);
    const register = (process: Pipeline, n: number) =>
      process.execute({
        type: 'identity.RegisterAccount',
        input: {
          email: { address: 'ada@example.org', reservation: 'e1' },
          name: 'Ada',
          passwordHash: 'hash',
          usernames: [{ username: `ada${n}`, reservation: `u${n}` }],
        },
        actor: systemActor,
      });
    const outcomes = await Promise.allSettled([0, 1, 2, 3, 4, 5].map((n) => register(processes[n % 2] as Pipeline, n)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toEqual(refusal('email-taken'));
    }
    expect(await world.events()).toHaveLength(4);
  });
});

describe('commands executed together', () => {
  const lot = (channelId: string, fromLine: number) =>
    [
      {
        type: 'conversations.RecordTranscript',
        input: { channelId, source: 'day-one', fromLine, throughLine: fromLine + 9 },
        actor: systemActor,
      },
      { type: 'conversations.JoinChannel', input: { channelId }, actor: ben },
      {
        type: 'conversations.PostMessage',
        input: { channelId, text: 'long ago' },
        actor: ben,
        origin: 'import',
        occurredAt: Date.parse('2004-11-15T03:00:00Z'),
      },
    ] as const;

  it('are decided one after the other and appended in one', async () => {
    const { world, pipeline, channelId, stream } = await withChannel();
    await pipeline.executeTogether(lot(channelId, 1));
    expect((await world.typesIn(stream)).slice(2)).toEqual(['TranscriptImported', 'MemberJoined', 'MessagePosted']);
    expect((await world.events()).at(-1)?.metadata).toMatchObject({
      occurredAt: '2004-11-15T03:00:00.000Z',
      origin: 'import',
    });
  });

  it('that are refused leave nothing in a snapshot either', async () => {
    const { world, channelId, stream } = await withChannel();
    const pipeline = await world.process({ eventsBetweenSnapshots: 1 });
    // The second post comes while the first one's snapshot is being written, and so has none of its own.
    await post(pipeline, channelId, 'one');
    await post(pipeline, channelId, 'two');
    await delay(50);
    const outsider = { id: idOf(3) };
    const refused = { type: 'conversations.PostMessage', input: { channelId, text: 'x' }, actor: outsider } as const;
    await expect(pipeline.executeTogether([...lot(channelId, 1), refused])).rejects.toEqual(refusal('not-a-member'));
    await pipeline.drain();
    // Long enough for a snapshot to be looked for.
    const writer = await world.process({ eventsBetweenSnapshots: 10_000 });
    await Promise.all(Array.from({ length: 600 }, (_, n) => post(writer, channelId, `message ${n}`)));
    const state = await (await world.process()).loadState(channel, stream);
    expect([...state.members.keys()]).toEqual([ada.id]);
  });

  it('are refused together, and the state forgets them', async () => {
    const { world, pipeline, channelId } = await withChannel();
    await pipeline.executeTogether(lot(channelId, 1));
    const before = await world.events();
    const [record, ...rest] = lot(channelId, 11);
    const outsider = { id: idOf(3) };
    const refused = { type: 'conversations.PostMessage', input: { channelId, text: 'x' }, actor: outsider } as const;
    await expect(pipeline.executeTogether([record, ...rest, refused])).rejects.toEqual(refusal('not-a-member'));
    expect(await world.events()).toEqual(before);
    await expect(pipeline.executeTogether(lot(channelId, 11))).resolves.toHaveLength(3);
  });
});

describe('when the store fails', () => {
  /** A store whose next append fails after, or before, it has written. */
  function failing(world: World, when: 'after' | 'before'): EventStore & { fail: boolean } {
    const store = memoryEventStore(world.log);
    const append = store.append.bind(store);
    return Object.assign(store, {
      fail: false,
      async append(this: { fail: boolean }, appends: Parameters<EventStore['append']>[0]) {
        if (this.fail && when === 'before') throw new OutcomeUnknown('lost');
        const stored = await append(appends);
        if (this.fail) throw new OutcomeUnknown('lost');
        return stored;
      },
    });
  }

  it.each(['after', 'before'] as const)('%s it has written, the same key finds out what became of it', async (when) => {
    const world = await World.open();
    const eventStore = failing(world, when);
    const pipeline = await world.process({ eventStore });
    const { id } = await pipeline.execute({
      type: 'conversations.CreateChannel',
      input: { name: 'general' },
      actor: ada,
    });
    eventStore.fail = true;
    await expect(post(pipeline, id, 'hello', 'key')).rejects.toBeInstanceOf(OutcomeUnknown);
    eventStore.fail = false;
    expect(await post(pipeline, id, 'hello', 'key')).toMatchObject({ revision: 2, text: 'hello' });
    expect(await world.events()).toHaveLength(3);
  });
});

it('commands whose log is out of reach are told so together, not one after the other', async () => {
  const world = await World.open();
  const store = memoryEventStore(world.log);
  let reads = 0;
  const readStream = () => {
    reads += 1;
    return Promise.reject(new ServerUnavailable('the log is out of reach'));
  };
  const pipeline = await world.process({ eventStore: Object.assign(store, { readStream }) });
  const outcomes = await Promise.allSettled(['one', 'two', 'three'].map((text) => post(pipeline, idOf(9), text)));
  for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: expect.any(ServerUnavailable) });
  expect(reads).toBe(1);
});

describe('a long stream', () => {
  it('is loaded from a snapshot that says the same as its events', async () => {
    const { world, pipeline, channelId, stream } = await withChannel();
    await Promise.all(Array.from({ length: 2_100 }, (_, n) => post(pipeline, channelId, `message ${n}`)));
    await pipeline.execute({ type: 'conversations.JoinChannel', input: { channelId }, actor: ben });
    await pipeline.drain();
    const kept = await world.readStore.read((reader) => reader.get<{ sealed: string }>('snapshots', stream));
    expect(kept?.sealed).not.toContain(ada.id);
    const restarted = await world.process();
    const state = await restarted.loadState(channel, stream);
    expect([...state.members.keys()]).toEqual([ada.id, ben.id]);
    expect(await post(restarted, channelId, 'after the restart')).toMatchObject({ revision: 2_103 });
  });

  it('lets everybody else have a turn after each thousand events that are loaded', async () => {
    const { world, channelId, stream } = await withChannel();
    const writer = await world.process({ eventsBetweenSnapshots: 10_000 });
    await Promise.all(Array.from({ length: 2_100 }, (_, n) => post(writer, channelId, `message ${n}`)));
    const restarted = await world.process();
    let turns = 0;
    let loading = true;
    const others = (async () => {
      for (; loading; turns += 1) await setImmediate();
    })();
    await restarted.loadState(channel, stream);
    loading = false;
    await others;
    expect(turns).toBeGreaterThan(2);
  });
});

describe('a log that has lost its end', () => {
  /** A log with the events up to a position, changed or not. */
  function logUpTo(position: bigint, stored: readonly StoredEvent[]): MemoryLog {
    const log = new MemoryLog();
    for (const { stream, revision, ...event } of stored.filter((event) => event.position <= position)) {
      log.write({ stream, expectedRevision: revision - 1, events: [event] });
    }
    return log;
  }

  it.each([
    ['has not come there again', 0],
    ['has come there with other events', 300],
  ])('is decided on as it is, not as a snapshot tells that was taken before, where it %s', async (_when, again) => {
    const { world, pipeline, channelId } = await withChannel();
    await Promise.all(Array.from({ length: 600 }, (_, n) => post(pipeline, channelId, `message ${n}`)));
    await pipeline.execute({ type: 'conversations.JoinChannel', input: { channelId }, actor: ben });
    await pipeline.drain();
    const eventStore = memoryEventStore(logUpTo(550n, await memoryEventStore(world.log).readAll(0n, 1_000)));
    // Without any snapshot.
    const { readStore } = await World.open();
    const other = await world.process({ eventStore, readStore });
    await Promise.all(Array.from({ length: again }, (_, n) => post(other, channelId, `another ${n}`)));

    const restarted = await world.process({ eventStore });
    expect(await post(restarted, channelId, 'after the restart')).toMatchObject({ revision: 550 + again });
    const join = { type: 'conversations.JoinChannel', input: { channelId }, actor: ben } as const;
    expect(await restarted.execute(join)).toMatchObject({ revision: 551 + again });
  });

  it('is not decided on where an event is not the one that was appended', async () => {
    const { world, pipeline, channelId } = await withChannel();
    await post(pipeline, channelId, 'hello');
    const stored = await memoryEventStore(world.log).readAll(0n, 10);
    const changed = stored.map((event) => ({ ...event, data: event.data.replace('"message"', '"action"') }));
    await post(pipeline, channelId, 'hello again');
    const behind = (await memoryEventStore(world.log).readAll(3n, 1)) as [StoredEvent];
    const log = logUpTo(4n, [...changed, ...behind]);
    const restarted = await world.process({ eventStore: memoryEventStore(log) });
    await expect(post(restarted, channelId, 'and on')).rejects.toThrow(LogDamaged);
    await expect(post(restarted, channelId, 'and on')).rejects.toThrow('restore the log from a backup');
  });
});

it('a pipeline that is draining finishes what it has and takes nothing new', async () => {
  const { world, pipeline, channelId } = await withChannel();
  const under = post(pipeline, channelId, 'last words');
  await pipeline.drain();
  await expect(under).resolves.toBeDefined();
  await expect(post(pipeline, channelId, 'too late')).rejects.toBeInstanceOf(ShuttingDown);
  expect(await world.events()).toHaveLength(3);
});

describe('a command of someone who was forgotten', () => {
  it('is refused where it would keep something of theirs, and takes none of its neighbours along', async () => {
    const world = await World.open();
    const codec = createCodec(world.keys);
    const pipeline = await world.process({ codec });
    const created = { name: 'general', kind: 'public' };
    const { id: channelId } = await pipeline.execute({
      type: 'conversations.CreateChannel',
      input: created,
      actor: ada,
    });
    await pipeline.execute({ type: 'conversations.JoinChannel', input: { channelId }, actor: ben });
    codec.forget(ben.id);
    const say = (text: string, actor: { id: string }) =>
      pipeline.execute({ type: 'conversations.PostMessage', input: { channelId, text }, actor });
    const [before, forgotten, behind] = await Promise.allSettled([say('one', ada), say('two', ben), say('three', ada)]);
    expect([before, behind]).toMatchObject([{ value: { text: 'one' } }, { value: { text: 'three' } }]);
    expect(forgotten).toMatchObject({ reason: expect.any(SubjectForgotten) });
    expect(toProblem((forgotten as PromiseRejectedResult).reason)).toMatchObject({
      status: 410,
      code: 'person-forgotten',
    });
  });
});
