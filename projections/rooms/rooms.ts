import { parseStreamName } from '../../domain/ids.js';
import { ParticipantJoined, ParticipantLeft, RoomCreated } from '../../domain/rooms/room.js';
import { type Collection, changes, creates, type Projection } from '../projection.js';

export interface Room {
  name: string | null;
  createdBy: string;
  /** ISO 8601 in UTC, as `joinedAt`. */
  createdAt: string;
  participants: { personId: string; joinedAt: string }[];
  occupied: boolean;
  revision: number;
}

const roomOf = ({ stream }: { stream: string }) => parseStreamName(stream).id;

/** By room id. */
const rooms: Collection<Room> = {
  name: 'rooms',
  indexes: [['occupied']],
  folds: new Map([
    creates(
      RoomCreated,
      ({ data }) => data.roomId,
      ({ data: { name, createdBy }, revision, metadata }): Room => ({
        name,
        createdBy,
        createdAt: metadata.occurredAt,
        participants: [],
        occupied: false,
        revision,
      }),
    ),
    changes(ParticipantJoined, roomOf, (room: Room, { data: { personId }, revision, metadata }) => {
      const participants = [...room.participants, { personId, joinedAt: metadata.occurredAt }];
      return Object.assign(room, { participants, occupied: true, revision });
    }),
    changes(ParticipantLeft, roomOf, (room: Room, { data, revision }) => {
      const participants = room.participants.filter(({ personId }) => personId !== data.personId);
      return Object.assign(room, { participants, occupied: participants.length > 0, revision });
    }),
  ]),
};

export const roomsProjection: Projection = { name: 'rooms', version: 2, collections: [rooms] };
