import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { projections } from '../../projections/catalogue.js';
import { Pipeline } from '../../src/commands/pipeline.js';
import { createCodec } from '../../src/event-store/event-codec.js';
import { MemoryLog, memoryEventStore } from '../../src/event-store/memory.js';
import { memoryKeys } from '../../src/keys/memory.js';
import { startProjector } from '../../src/projector/projector.js';
import { TimerReactor } from '../../src/reactors/timer.js';
import { Positions } from '../../src/read-store/positions.js';
import { openSqliteReadStore } from '../../src/read-store/sqlite.js';
import { idOf, noon } from '../domain/specification.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';

const logger = pino({ level: 'silent' });
const hour = 3_600_000;

/** A log, its read models, and a clock that is set by hand. */
async function openWorld() {
  const log = new MemoryLog();
  const keys = memoryKeys();
  const codec = createCodec(keys);
  const eventStore = memoryEventStore(log);
  const readStore = await openSqliteReadStore(join(await temporaryDirectory(), 'read.db'));
  const positions = new Positions(readStore);
  const projector = await startProjector({ eventStore, codec, readStore, positions, logger, projections });
  const clock = { now: noon };
  const commands = await Pipeline.open({
    eventStore,
    codec,
    keys,
    readStore,
    positions,
    publish: () => undefined,
    logger,
    clock: () => clock.now,
  });
  onTestFinished(async () => {
    await projector.stop();
    await readStore.close();
  });

  return {
    clock,
    /** A meeting that starts an hour after noon. */
    createMeeting: () =>
      commands.execute({
        type: 'meetings.CreateMeeting',
        input: {
          title: 'Planning',
          startTime: new Date(noon + hour).toISOString(),
          endTime: new Date(noon + 2 * hour).toISOString(),
        },
        actor: { id: idOf(1) },
      }),
    startTimer() {
      const timer = new TimerReactor({ readStore, positions, commands, logger, clock: () => clock.now, interval: 5 });
      onTestFinished(() => timer.stop());
      return timer;
    },
    async due() {
      const events = await codec.decode(await eventStore.readAll(0n, 1_000));
      return events.filter(({ type }) => type === 'meetings.MeetingBecameDue');
    },
    timersLeft: () => readStore.read((reader) => reader.find('timers', { limit: 10 })),
  };
}

type TimerWorld = Awaited<ReturnType<typeof openWorld>>;

async function untilDue(world: TimerWorld, count: number): Promise<void> {
  while ((await world.due()).length < count) await delay(5);
  while ((await world.timersLeft()).length > 0) await delay(5);
}

describe('a timer', () => {
  it('fires once its time has come, and not before', async () => {
    const world = await openWorld();
    world.startTimer();
    await world.createMeeting();
    await delay(50);
    expect(await world.due()).toEqual([]);
    world.clock.now = noon + hour;
    await untilDue(world, 1);
    expect((await world.due())[0]?.metadata).toMatchObject({ actor: 'system', commandType: 'meetings.MarkMeetingDue' });
  });

  it('that was due while nobody looked fires at the next start', async () => {
    const world = await openWorld();
    const before = world.startTimer();
    await world.createMeeting();
    await before.stop();
    world.clock.now = noon + 5 * hour;
    world.startTimer();
    await untilDue(world, 1);
  });

  it('fires once, also where the clock is set back behind it and comes there again', async () => {
    const world = await openWorld();
    world.startTimer();
    await world.createMeeting();
    for (const now of [noon + 24 * hour, noon - hour, noon + hour]) {
      world.clock.now = now;
      await untilDue(world, 1);
      await delay(50);
    }
    expect(await world.due()).toHaveLength(1);
  });

  it('fires once however many reactors look at it', async () => {
    const world = await openWorld();
    await Promise.all([world.createMeeting(), world.createMeeting(), world.createMeeting()]);
    world.clock.now = noon + hour;
    for (let reactors = 0; reactors < 4; reactors += 1) world.startTimer();
    await untilDue(world, 3);
    await delay(50);
    expect(await world.due()).toHaveLength(3);
  });
});
