import { describe, it } from 'vitest';
import { systemActor } from '../../domain/decider.js';
import { ParticipantJoined, ParticipantLeft, RoomCreated } from '../../domain/rooms/room.js';
import { given, idOf, past } from './specification.js';

const roomId = '00112233445566ff';
const stream = `room-${roomId}`;
const person = idOf(1);
const created = past(stream, RoomCreated({ roomId, name: null, createdBy: idOf(2) }));
const joined = past(stream, ParticipantJoined({ personId: person }));
const actor = { id: person };

describe('a room', () => {
  it('is made under 16 hex digits', () => {
    given()
      .when('rooms.CreateRoom', { name: 'Kitchen' }, { actor, newId: roomId })
      .then(RoomCreated({ roomId, name: 'Kitchen', createdBy: person }));
  });

  it('is joined once', () => {
    given(created)
      .when('rooms.JoinRoom', { roomId }, { actor })
      .then(ParticipantJoined({ personId: person }));
    given(created, joined).when('rooms.JoinRoom', { roomId }, { actor }).thenNothing();
  });

  it('is left once', () => {
    given(created, joined)
      .when('rooms.LeaveRoom', { roomId }, { actor })
      .then(ParticipantLeft({ personId: person, reason: 'left' }));
    given(created).when('rooms.LeaveRoom', { roomId }, { actor }).thenNothing();
  });

  it('is left by who lost the connection for too long', () => {
    given(created, joined)
      .when('rooms.DropParticipant', { roomId, personId: person }, { actor: systemActor })
      .then(ParticipantLeft({ personId: person, reason: 'connection-lost' }));
  });

  it('must exist to be joined or left', () => {
    given().when('rooms.JoinRoom', { roomId }, { actor }).thenRefused('not-found');
    given().when('rooms.LeaveRoom', { roomId }, { actor }).thenRefused('not-found');
  });
});
