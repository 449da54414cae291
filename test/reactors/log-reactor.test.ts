import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { reactor } from '../../domain/reactors/reactor.js';
import { createCodec } from '../../src/event-store/event-codec.js';
import { blocked, done, failed, GreetingWorld, impossible, withoutRecord } from './reactor-world.js';

const patient = { timeout: 10_000, interval: 5 };

describe('a reactor', () => {
  it('begins at the head of the log, and reacts to what comes then', async () => {
    const world = await GreetingWorld.open();
    await world.introduce('Ann', 1);
    await world.start();
    await world.introduce('Bob', 2);
    await expect.poll(() => world.greeted, patient).toEqual(['Bob']);
  });

  it('reacts to each event of its types, and to no other', async () => {
    const world = await GreetingWorld.open();
    await world.start();
    for (let person = 0; person < 20; person += 1) {
      await world.introduce(`Person ${person}`, person);
      await createChannel(world);
    }
    await expect.poll(() => world.greeted, patient).toHaveLength(20);
    expect(new Set(world.greeted).size).toBe(20);
  });

  it('goes on where it was when it is started again', async () => {
    const world = await GreetingWorld.open();
    const before = await world.start();
    await world.introduce('Ann', 1);
    await expect.poll(() => world.greeted, patient).toEqual(['Ann']);
    await before.stop();
    await world.introduce('Bob', 2);
    await world.start();
    await world.introduce('Cem', 3);
    await expect.poll(() => world.greeted, patient).toEqual(['Ann', 'Bob', 'Cem']);
  });

  it('lets end what is under way when it is stopped, and remembers it', async () => {
    const world = await GreetingWorld.open();
    world.answer = () => delay(30, done);
    const before = await world.start();
    await world.introduce('Ann', 1);
    await expect.poll(() => world.greeted, patient).toEqual(['Ann']);
    await before.stop();
    const after = await world.start();
    await world.introduce('Bob', 2);
    await expect.poll(() => world.greeted, patient).toEqual(['Ann', 'Bob']);
    expect(after.open).toBeLessThanOrEqual(1);
  });

  it('is not told what is personal of someone who was forgotten, even if the event is still at hand', async () => {
    const world = await GreetingWorld.open();
    const codec = createCodec(world.world.keys);
    const pipeline = await world.world.process({ codec });
    await (await world.start({ codec, commands: pipeline })).stop();
    const personId = '01900001-0000-7000-8000-000000000000';
    const input = { personId, name: 'Ann' };
    await pipeline.execute({ type: 'identity.IntroducePerson', input, actor: { id: 'system' } });
    await world.world.keys.destroy([personId]);
    const cached = performance.now() + 61_000;
    vi.spyOn(performance, 'now').mockReturnValue(cached);
    onTestFinished(() => void vi.restoreAllMocks());
    await world.start({ codec, commands: pipeline });
    await expect.poll(() => world.greeted, patient).toEqual([null]);
  });
});

describe('progress', () => {
  it('is recorded once for many reactions', async () => {
    const world = await GreetingWorld.open();
    const before = await world.start();
    await Promise.all(Array.from({ length: 50 }, (_, person) => world.introduce(`Person ${person}`, person)));
    await expect.poll(() => world.greeted, patient).toHaveLength(50);
    await before.stop();
    const [started, ...records] = await world.progress();
    expect(started?.type).toBe('ReactorStarted');
    expect(records.length).toBeLessThan(40);
    expect((await stateOf(world)).deferred.size).toBe(0);
  });

  it('is recorded now and then where there is nothing to react to', async () => {
    const world = await GreetingWorld.open();
    const before = await world.start({ eventsBetweenProgress: 10 });
    for (let channel = 0; channel < 24; channel += 1) await createChannel(world);
    await expect.poll(() => before.through, patient).toBe(world.world.log.head());
    await before.stop();
    const [started, ...records] = await world.progress();
    expect(started?.type).toBe('ReactorStarted');
    expect(records.map(({ type }) => type)).toContain('ProgressMade');
    expect(records.length).toBeLessThanOrEqual(Number(world.world.log.head()) / 10);
  });

  it('that was not recorded is made again: a reaction is repeated with the same event', async () => {
    const world = await GreetingWorld.open();
    const crashed = await world.start({ commands: withoutRecord(world.pipeline) });
    await world.introduce('Ann', 1);
    await expect.poll(() => world.greeted, patient).toEqual(['Ann']);
    await crashed.stop();
    await world.start();
    await expect.poll(() => world.greeted, patient).toEqual(['Ann', 'Ann']);
  });

  it('that can not be recorded is recorded once it can', async () => {
    const world = await GreetingWorld.open();
    await world.start({ commands: withoutRecord(world.pipeline, 1) });
    await world.introduce('Ann', 1);
    await expect.poll(() => world.progress(), patient).toHaveLength(2);
    expect(world.greeted).toEqual(['Ann']);
  });
});

describe('a reaction that fails', () => {
  it('is tried again while others go on', async () => {
    const world = await GreetingWorld.open();
    let anns = 0;
    world.answer = (name) => {
      if (name !== 'Ann') return done;
      anns += 1;
      return anns < 4 ? failed : done;
    };
    await world.start({ retry: { firstMs: 20, longestMs: 100 } });
    await world.introduce('Ann', 1);
    for (let person = 2; person < 12; person += 1) await world.introduce(`Person ${person}`, person);
    await expect.poll(() => anns, patient).toBe(4);
    await expect.poll(() => world.greeted, patient).toHaveLength(14);
    await expect.poll(async () => (await stateOf(world)).deferred.size, patient).toBe(0);
  });

  it('fails as well when it throws', async () => {
    const world = await GreetingWorld.open();
    world.answer = () => {
      if (world.greeted.length < 3) throw new Error('not now');
      return done;
    };
    await world.start();
    await world.introduce('Ann', 1);
    await expect.poll(() => world.greeted, patient).toEqual(['Ann', 'Ann', 'Ann']);
  });

  it('is still open after a restart, and what was done meanwhile is not done again', async () => {
    const world = await GreetingWorld.open();
    world.answer = (name) => (name === 'Ann' ? failed : done);
    const before = await world.start({ retry: { firstMs: 60_000, longestMs: 60_000 } });
    await world.introduce('Ann', 1);
    await world.introduce('Bob', 2);
    await expect.poll(() => world.greeted, patient).toEqual(['Ann', 'Bob']);
    await before.stop();
    expect([...(await stateOf(world)).deferred.keys()]).toEqual([await positionOf(world, 'Ann')]);
    world.answer = () => done;
    await world.start();
    await expect.poll(() => world.greeted, patient).toEqual(['Ann', 'Bob', 'Ann']);
    await expect.poll(async () => (await stateOf(world)).deferred.size, patient).toBe(0);
  });

  it('leaves the rest in the log when too many are open', async () => {
    const world = await GreetingWorld.open();
    world.answer = () => failed;
    await world.start({ mostOpen: 3 });
    for (let person = 0; person < 10; person += 1) await world.introduce(`Person ${person}`, person);
    await expect.poll(() => world.greeted.length, patient).toBeGreaterThan(20);
    expect(new Set(world.greeted).size).toBe(3);
    world.answer = () => done;
    await expect.poll(() => new Set(world.greeted).size, patient).toBe(10);
  });
});

describe('a reaction that is given up', () => {
  it('is never tried again, and the log says so', async () => {
    const world = await GreetingWorld.open();
    world.answer = (name) => (name === 'Ann' ? impossible : done);
    const before = await world.start();
    await world.introduce('Ann', 1);
    await world.introduce('Bob', 2);
    await expect.poll(() => world.greeted, patient).toEqual(['Ann', 'Bob']);
    await before.stop();
    const givenUp = (await world.progress()).filter(({ type }) => type === 'ReactionGivenUp');
    expect(givenUp).toEqual([
      {
        type: 'ReactionGivenUp',
        data: { stream: expect.stringMatching(/^user-/), revision: 0, position: '2', reason: '550' },
      },
    ]);
    await world.start();
    await world.introduce('Cem', 3);
    await expect.poll(() => world.greeted, patient).toEqual(['Ann', 'Bob', 'Cem']);
  });

  it.each([failed, blocked] as const)('is one that is $outcome long after its event', async (answer) => {
    const world = await GreetingWorld.open();
    world.answer = () => answer;
    const day = 24 * 60 * 60 * 1_000;
    await world.start({
      patienceMs: day,
      clock: () => Date.now() + day + (world.greeted.length < 3 ? -60_000 : 60_000),
    });
    await world.introduce('Ann', 1);
    await expect.poll(() => world.progress(), patient).toHaveLength(3);
    expect((await world.progress())[1]).toMatchObject({ type: 'ReactionGivenUp', data: { reason: answer.reason } });
    expect(world.greeted).toEqual(['Ann', 'Ann', 'Ann']);
  });
});

describe('when all are blocked', () => {
  it('they wait together, and go on together', async () => {
    const world = await GreetingWorld.open();
    world.answer = () => blocked;
    const reactor = await world.start({ atOnce: 2, unblock: { firstMs: 100, longestMs: 100 } });
    for (let person = 0; person < 20; person += 1) await world.introduce(`Person ${person}`, person);
    await expect.poll(() => reactor.open, patient).toBe(20);
    await expect.poll(() => reactor.blockedBy, patient).toBe('down');
    expect(world.greeted.length).toBeLessThan(20);
    world.answer = () => done;
    await expect.poll(() => reactor.open, patient).toBe(0);
    expect(reactor.blockedBy).toBeUndefined();
    expect(new Set(world.greeted).size).toBe(20);
  });
});

describe('two processes that run a reactor at once', () => {
  it('leave nothing out, and one exact record', async () => {
    const world = await GreetingWorld.open();
    let tries = 0;
    world.answer = () => {
      tries += 1;
      return tries % 3 === 0 ? failed : done;
    };
    const processes = await Promise.all([0, 1].map(async () => world.start({ commands: await world.world.process() })));
    await Promise.all(Array.from({ length: 40 }, (_, person) => world.introduce(`Person ${person}`, person)));
    await expect.poll(() => processes.map(({ open }) => open), patient).toEqual([0, 0]);
    for (const running of processes) await running.stop();
    expect(new Set(world.greeted).size).toBe(40);
    const state = await stateOf(world);
    expect(state.deferred.size).toBe(0);
    const last = (await world.world.events()).findLast(({ type }) => type === 'identity.ProfileCreated');
    expect(state.through).toBeGreaterThanOrEqual(last?.position as bigint);
    expect((await world.progress()).filter(({ type }) => type === 'ReactorStarted')).toHaveLength(1);
  });

  it('do not do what the other one has done meanwhile', async () => {
    const world = await GreetingWorld.open();
    world.answer = () => failed;
    const slow = await world.start({ commands: await world.world.process(), retry: { firstMs: 300, longestMs: 300 } });
    await world.introduce('Ann', 1);
    await expect.poll(() => world.greeted.length, patient).toBeGreaterThan(0);
    const tries = world.greeted.length;
    const other: string[] = [];
    const quick = await world.start({
      commands: await world.world.process(),
      react: async () => {
        other.push('Ann');
        return done;
      },
    });
    await expect.poll(() => quick.open, patient).toBe(0);
    await expect.poll(() => slow.open, patient).toBe(0);
    expect(other).toEqual(['Ann']);
    expect(world.greeted.length).toBeLessThanOrEqual(tries + 1);
  });
});

async function createChannel({ pipeline }: GreetingWorld): Promise<void> {
  const actor = { id: '01900009-0000-7000-8000-000000000000' };
  await pipeline.execute({ type: 'conversations.CreateChannel', input: { name: 'general' }, actor });
}

async function positionOf({ world }: GreetingWorld, name: string): Promise<string> {
  const event = (await world.events()).find(({ data }) => (data as { name?: string }).name === name);
  return String(event?.position);
}

function stateOf({ pipeline }: GreetingWorld) {
  return pipeline.loadState(reactor, 'reactor-greeter');
}
