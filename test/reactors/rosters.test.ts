import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { CommandRequest } from '../../src/commands/port.js';
import { edgeLeases, writeAttendance } from '../../src/leases/attendance.js';
import { MemoryLeases } from '../../src/leases/memory.js';
import { RosterReactor } from '../../src/reactors/rosters.js';

const room = '00112233445566ff';
const [ann, bob] = ['01900001-0000-7000-8000-000000000000', '01900002-0000-7000-8000-000000000000'];
const graceMs = 150;

let leases: MemoryLeases;
let participants: { personId: string; joinedAt: string }[];
let dropped: string[];
let reactor: RosterReactor | undefined;

beforeEach(() => {
  leases = new MemoryLeases();
  participants = [];
  dropped = [];
});
afterEach(() => reactor?.stop());

const join = (personId: string) => participants.push({ personId, joinedAt: new Date().toISOString() });

function start(): void {
  const reader = { find: async () => (participants.length > 0 ? [{ id: room, document: { participants } }] : []) };
  reactor = new RosterReactor({
    readStore: { read: async (body: (reader: never) => unknown) => body(reader as never) } as never,
    leases,
    commands: {
      async execute({ type, input }: CommandRequest) {
        expect(type).toBe('rooms.DropParticipant');
        const { personId } = input as { personId: string };
        dropped.push(personId);
        participants = participants.filter((participant) => participant.personId !== personId);
        return {} as never;
      },
    },
    logger: pino({ level: 'silent' }),
    graceMs,
    patienceMs: 100,
    intervalMs: 10,
  });
}

/** An edge that tells of these people, and goes on showing that it lives until it is stopped. */
async function edge(name: string, ...people: string[]) {
  const record = { holder: name, epoch: 1, counter: 0, note: writeAttendance({ [room]: people }) };
  const key = `${edgeLeases}${name}`;
  await leases.compareAndSet(key, undefined, record);
  let kept = record;
  const renewing = setInterval(() => {
    const next = { ...kept, counter: kept.counter + 1 };
    void leases.compareAndSet(key, kept, next);
    kept = next;
  }, 10);
  return { die: () => clearInterval(renewing) };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 3 * graceMs));
const eventually = (expected: string[]) => expect.poll(() => dropped, { timeout: 10_000 }).toEqual(expected);

it('drops whoever is in a room and connected to no edge, after a while', async () => {
  join(ann);
  join(bob);
  const living = await edge('one', bob);
  start();
  await eventually([ann]);
  await settled();
  expect(dropped).toEqual([ann]);
  living.die();
});

it('keeps who is told of by any of several edges', async () => {
  join(ann);
  join(bob);
  const edges = [await edge('one', ann), await edge('two', bob)];
  start();
  await settled();
  expect(dropped).toEqual([]);
  for (const one of edges) one.die();
});

it('drops who was connected to an edge that has died, and takes away what that has left behind', async () => {
  join(ann);
  const dying = await edge('one', ann);
  start();
  await settled();
  dying.die();
  await eventually([ann]);
  expect(await leases.list(edgeLeases)).toEqual(new Map());
});

it('keeps who comes back to another edge in time', async () => {
  join(ann);
  const dying = await edge('one', ann);
  start();
  dying.die();
  const living = await edge('two', ann);
  await settled();
  expect(dropped).toEqual([]);
  living.die();
});
