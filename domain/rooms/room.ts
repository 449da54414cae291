import { z } from 'zod';
import { defineAggregate, defineCommand } from '../decider.js';
import { defineEvent, eventOf, type RecordedOf } from '../event.js';
import { personId, roomId } from '../ids.js';
import { reject } from '../rejections.js';

/** A room where people call each other. Its id is its invitation: whoever is logged in and knows it may enter. */

const roomName = z.string().trim().min(1, 'is required').max(80, 'must be at most 80 characters');

// Events

export const RoomCreated = defineEvent({
  type: 'rooms.RoomCreated',
  data: z.strictObject({ roomId, name: roomName.nullable(), createdBy: z.string() }),
  audience: 'followers',
  access: () => [{ kind: 'visibility', visibility: 'everyone' }],
});

export const ParticipantJoined = defineEvent({
  type: 'rooms.ParticipantJoined',
  data: z.strictObject({ personId }),
  audience: 'followers',
  access: ({ data }) => [{ kind: 'joined', person: data.personId, role: 'member' }],
});

export const ParticipantLeft = defineEvent({
  type: 'rooms.ParticipantLeft',
  data: z.strictObject({ personId, reason: z.enum(['left', 'connection-lost']) }),
  audience: 'followers',
  access: ({ data }) => [{ kind: 'left', person: data.personId }],
});

export const roomEvents = { RoomCreated, ParticipantJoined, ParticipantLeft };
export type RoomEvent = RecordedOf<typeof roomEvents>;

// State

export interface RoomState {
  created: boolean;
  participants: Set<string>;
  changedAt: number;
}

export const room = defineAggregate<RoomState, { created: boolean; participants: string[]; changedAt: number }>({
  category: 'room',
  version: 1,
  initialState: () => ({ created: false, participants: new Set(), changedAt: -1 }),
  changedAt: (state) => state.changedAt,
  evolve(state: RoomState, event: RoomEvent): RoomState {
    state.changedAt = event.revision;
    switch (event.type) {
      case 'rooms.RoomCreated':
        state.created = true;
        break;
      case 'rooms.ParticipantJoined':
        state.participants.add(event.data.personId);
        break;
      case 'rooms.ParticipantLeft':
        state.participants.delete(event.data.personId);
        break;
    }
    return state;
  },
  toSnapshot: (state) => ({ ...state, participants: [...state.participants] }),
  fromSnapshot: (snapshot) => ({ ...snapshot, participants: new Set(snapshot.participants) }),
});

// Commands

const ofRoom = (input: { roomId: string }) => input.roomId;

export const CreateRoom = defineCommand({
  type: 'rooms.CreateRoom',
  class: 'creating',
  aggregate: room,
  idForm: 'hex16',
  input: z.strictObject({ name: roomName.optional() }),
  streamId: (_input, newId) => newId,
  decide(state, { input, actor, newId }) {
    if (state.created) return reject('already-exists');
    return [RoomCreated({ roomId: newId, name: input.name ?? null, createdBy: actor.id })];
  },
  reply(events) {
    const { roomId, ...fields } = eventOf(RoomCreated, events).data;
    return { id: roomId, ...fields };
  },
});

export const JoinRoom = defineCommand({
  type: 'rooms.JoinRoom',
  class: 'posting',
  aggregate: room,
  input: z.strictObject({ roomId }),
  streamId: ofRoom,
  decide(state, { actor }) {
    if (!state.created) return reject('not-found');
    if (state.participants.has(actor.id)) return [];
    return [ParticipantJoined({ personId: actor.id })];
  },
  reply: (_events, input) => ({ id: input.roomId }),
});

export const LeaveRoom = defineCommand({
  type: 'rooms.LeaveRoom',
  class: 'posting',
  aggregate: room,
  input: z.strictObject({ roomId }),
  streamId: ofRoom,
  decide(state, { actor }) {
    if (!state.created) return reject('not-found');
    if (!state.participants.has(actor.id)) return [];
    return [ParticipantLeft({ personId: actor.id, reason: 'left' })];
  },
  reply: (_events, input) => ({ id: input.roomId }),
});

/** Someone whose connection was lost did not come back within the grace period. */
export const DropParticipant = defineCommand({
  type: 'rooms.DropParticipant',
  issuer: 'system',
  aggregate: room,
  input: z.strictObject({ roomId, personId }),
  streamId: ofRoom,
  decide(state, { input }) {
    if (!state.participants.has(input.personId)) return [];
    return [ParticipantLeft({ personId: input.personId, reason: 'connection-lost' })];
  },
  reply: (_events, input) => ({ id: input.roomId }),
});

export const roomCommands = [CreateRoom, JoinRoom, LeaveRoom, DropParticipant] as const;
