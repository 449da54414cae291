import fc from 'fast-check';
import { expect, it } from 'vitest';
import { commands } from '../../domain/catalogue.js';
import { type AnyCommandDefinition, systemActor } from '../../domain/decider.js';
import { Rejection } from '../../domain/rejections.js';
import type { RoomState } from '../../domain/rooms/room.js';
import { Simulation } from './simulation.js';

const now = Date.parse('2030-01-01T00:00:00Z');
const idOf = (digit: number) => `0190000${digit}-0000-7000-8000-000000000000`;
const definitionOf = (type: string) => commands.get(type) as AnyCommandDefinition;

it('no value is ever reserved by two accounts, and a refused registration reserves nothing', () => {
  const registration = fc.record({
    email: fc.constantFrom('e1', 'e2', 'e3'),
    usernames: fc.uniqueArray(fc.constantFrom('u1', 'u2', 'u3'), { minLength: 1 }),
  });
  fc.assert(
    fc.property(fc.array(registration, { maxLength: 9 }), (registrations) => {
      const simulation = new Simulation();
      const held = new Map<string, string>();
      for (const [index, { email, usernames }] of registrations.entries()) {
        const decision = simulation.run({
          definition: definitionOf('identity.RegisterAccount'),
          input: {
            email: { address: `${email}@example.org`, reservation: email },
            name: 'Somebody',
            passwordHash: 'hash',
            usernames: usernames.map((username) => ({ username, reservation: username })),
          },
          actor: systemActor,
          now,
          newId: idOf(index),
        });
        const free = usernames.find((username) => !held.has(username));
        expect(decision instanceof Rejection).toBe(held.has(email) || free === undefined);
        if (decision instanceof Rejection) continue;
        held.set(email, idOf(index)).set(free as string, idOf(index));
      }
      for (const value of ['e1', 'e2', 'e3'])
        expect(ownersOf(simulation, `emailReservation-${value}`)).toEqual(ownerIn(value));
      for (const value of ['u1', 'u2', 'u3'])
        expect(ownersOf(simulation, `usernameReservation-${value}`)).toEqual(ownerIn(value));

      function ownerIn(value: string): string[] {
        const owner = held.get(value);
        return owner ? [owner] : [];
      }
    }),
  );
});

function ownersOf(simulation: Simulation, stream: string): string[] {
  return simulation.events(stream).map((event) => (event.data as { owner: string }).owner);
}

it('a room holds exactly those who joined and have not left', () => {
  const roomId = '00112233445566ff';
  const stepOf = fc.record({
    type: fc.constantFrom('rooms.JoinRoom', 'rooms.LeaveRoom', 'rooms.DropParticipant'),
    person: fc.integer({ min: 1, max: 3 }).map(idOf),
  });
  fc.assert(
    fc.property(fc.array(stepOf, { maxLength: 20 }), (steps) => {
      const simulation = new Simulation();
      const base = { now, newId: roomId };
      simulation.run({ ...base, definition: definitionOf('rooms.CreateRoom'), input: {}, actor: { id: idOf(9) } });
      const inside = new Set<string>();
      for (const { type, person } of steps) {
        const dropping = type === 'rooms.DropParticipant';
        const decision = simulation.run({
          ...base,
          definition: definitionOf(type),
          input: dropping ? { roomId, personId: person } : { roomId },
          actor: dropping ? systemActor : { id: person },
        });
        const joining = type === 'rooms.JoinRoom';
        expect(decision).toHaveLength(inside.has(person) === joining ? 0 : 1);
        if (joining) inside.add(person);
        else inside.delete(person);
      }
      expect(simulation.state<RoomState>(`room-${roomId}`).participants).toEqual(inside);
    }),
  );
});

it('a meeting becomes due at most once', () => {
  const meetingId = idOf(9);
  const startTime = '2030-01-01T01:00:00.000Z';
  fc.assert(
    fc.property(fc.array(fc.constantFrom(startTime, '2030-01-01T02:00:00.000Z'), { maxLength: 6 }), (times) => {
      const simulation = new Simulation();
      simulation.run({
        definition: definitionOf('meetings.CreateMeeting'),
        input: { title: 'Planning', startTime, endTime: '2030-01-01T03:00:00Z' },
        actor: { id: idOf(1) },
        now,
        newId: meetingId,
      });
      for (const time of times) {
        const input = { meetingId, startTime: time };
        simulation.run({
          definition: definitionOf('meetings.MarkMeetingDue'),
          input,
          actor: systemActor,
          now,
          newId: idOf(8),
        });
      }
      const due = simulation.events(`meeting-${meetingId}`).filter(({ type }) => type === 'meetings.MeetingBecameDue');
      expect(due).toHaveLength(times.includes(startTime) ? 1 : 0);
    }),
  );
});
