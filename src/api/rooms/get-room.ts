import { Query, QueryHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { streamName } from '../../../domain/ids.js';
import { room as roomAggregate } from '../../../domain/rooms/room.js';
import { loadPeople } from '../../../projections/identity/people.js';
import type { Reader } from '../../../projections/reader.js';
import type { Room } from '../../../projections/rooms/rooms.js';
import { Refused } from '../../problems.js';
import { accessToFollow, ReadingHandler, within } from '../query.js';
import { person } from '../replies.js';

export const roomDetail = z.object({
  id: z.string(),
  name: z.string().nullable(),
  createdBy: z.string(),
  createdAt: z.iso.datetime(),
  participants: z.array(person.extend({ joinedAt: z.iso.datetime() })),
  revision: z.number().int(),
});
export type RoomDetail = z.infer<typeof roomDetail>;

export class GetRoom extends Query<RoomDetail> {
  constructor(
    readonly roomId: string,
    readonly person: string,
  ) {
    super();
  }
}

@QueryHandler(GetRoom)
export class GetRoomHandler extends ReadingHandler<GetRoom, RoomDetail> {
  protected async read(reader: Reader, { roomId, person }: GetRoom): Promise<RoomDetail> {
    const loaded = await accessToFollow(reader, streamName(roomAggregate.category, roomId), person);
    const room = within(loaded, await reader.get<Room>('rooms', roomId));
    if (!room) throw new Refused('not-found');
    const personOf = await loadPeople(
      reader,
      room.participants.map(({ personId }) => personId),
    );
    const participants = room.participants.map(({ personId, joinedAt }) => ({
      id: personId,
      ...personOf(personId),
      joinedAt,
    }));
    const { name, createdBy, createdAt, revision } = room;
    return { id: roomId, name, createdBy, createdAt, participants, revision };
  }
}
