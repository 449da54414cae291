import { describe, expect, it } from 'vitest';
import { ParticipantJoined, ParticipantLeft, RoomCreated } from '../../../domain/rooms/room.js';
import { roomsProjection } from '../../../projections/rooms/rooms.js';
import { idOf, past, record } from '../specification.js';
import { fold } from './folding.js';

const roomId = '0123456789abcdef';
const [ann, bob] = [idOf(1), idOf(2)];

describe('the projection of rooms', () => {
  it('keeps the roster of a room in the order of joining', () => {
    const events = record(
      past(
        `room-${roomId}`,
        RoomCreated({ roomId, name: null, createdBy: ann }),
        ParticipantJoined({ personId: ann }),
        ParticipantJoined({ personId: bob }),
        ParticipantLeft({ personId: ann, reason: 'connection-lost' }),
        ParticipantJoined({ personId: ann }),
      ),
    );
    const at = (revision: number) => events[revision]?.metadata.occurredAt;
    expect(fold(roomsProjection, events)).toEqual({
      [`rooms/${roomId}`]: {
        name: null,
        createdBy: ann,
        createdAt: at(0),
        participants: [
          { personId: bob, joinedAt: at(2) },
          { personId: ann, joinedAt: at(4) },
        ],
        occupied: true,
        revision: 4,
      },
    });
  });
});
