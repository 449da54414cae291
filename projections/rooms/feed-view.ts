import type { FeedView } from '../feed-view.js';
import { identityProjection } from '../identity/identity.js';
import { loadPeople, type Person } from '../identity/people.js';
import { type Room, roomsProjection } from './rooms.js';

/** A room with its roster. */
export interface RoomState {
  readonly id: string;
  readonly name: string | null;
  readonly createdBy: string;
  readonly createdAt: string;
  readonly participants: readonly (Person & { readonly id: string; readonly joinedAt: string })[];
}

export const roomView: FeedView<RoomState> = {
  projections: [roomsProjection.name, identityProjection.name],
  async read(reader, id) {
    const room = await reader.get<Room>('rooms', id);
    if (!room) return undefined;
    const { revision, participants, occupied: _, ...fields } = room;
    const personOf = await loadPeople(
      reader,
      participants.map(({ personId }) => personId),
    );
    const roster = participants.map(({ personId, joinedAt }) => ({ id: personId, ...personOf(personId), joinedAt }));
    return { revision, state: { id, ...fields, participants: roster } };
  },
};
