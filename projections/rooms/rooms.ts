import { parseStreamName } from '../../domain/ids.js';
import { ParticipantJoined, ParticipantLeft, RoomCreated } from '../../domain/rooms/room.js';
import { type Collection, changes, creates, type Projection } from '../projection.js';

export interface Room {
  name: string | null;
  createdBy: string;
  /** ISO 8601 in UTC, as `joinedAt`. */
  createdAt: string;
  participants: { personId: string; joinedAt: string }[];
  revision: number;
}

const roomOf = ({ stream }: { stream: string }) => parseStreamName(stream).id;

/** By room id. */
const rooms: Collection<Room> = {
  name: 'rooms',
  indexes: [],
  folds: new Map([
    creates(
      RoomCreated,
      ({ data }) => data.roomId,
      ({ data: { name, createdBy }, revision, metadata }): Room => ({
        name,
        createdBy,
        createdAt: metadata.occurredAt,
        participants: [],
        revision,
      }),
    ),
    changes(ParticipantJoined, roomOf, (room: Room, { data: { personId }, revision, metadata }) => {
      room.participants.push({ personId, joinedAt: metadata.occurredAt });
      return Object.assign(room, { revision });
    }),
    changes(ParticipantLeft, roomOf, (room: Room, { data, revision }) =>
      Object.assign(room, {
        participants: room.participants.filter(({ personId }) => personId !== data.personId),
        revision,
      }),
    ),
  ]),
};

export const roomsProjection: Projection = { name: 'rooms', version: 1, collections: [rooms] };
