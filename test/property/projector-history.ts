import fc from 'fast-check';
import {
  ChannelCreated,
  MemberJoined,
  MemberLeft,
  MessageDeleted,
  MessagePosted,
} from '../../domain/conversations/channel.js';
import type { DomainEvent } from '../../domain/event.js';
import { PersonForgotten, ProfileCreated } from '../../domain/identity/profile.js';
import { MeetingBecameDue, MeetingCreated } from '../../domain/meetings/meeting.js';
import { ParticipantJoined, ParticipantLeft, RoomCreated } from '../../domain/rooms/room.js';
import { idOf } from '../domain/specification.js';

/** Random histories such as deciders make them. */

/** What may happen next; which event that is depends on what has happened before. */
export const happening = fc.record({
  where: fc.constantFrom('channel', 'room', 'meeting', 'user'),
  feed: fc.nat({ max: 1 }),
  person: fc.nat({ max: 4 }),
  what: fc.constantFrom('come-or-go', 'post', 'post', 'delete', 'forget'),
});
export type Happening = typeof happening extends fc.Arbitrary<infer Value> ? Value : never;

export interface Happened {
  readonly stream: string;
  readonly event: DomainEvent;
}

const startTime = '2030-01-31T09:30:00.000Z';
const endTime = '2030-01-31T10:30:00.000Z';

export class RandomHistory {
  /** Events of each stream, and who is in. */
  readonly #streams = new Map<string, { events: DomainEvent[]; present: Set<string> }>();

  /** @returns none where nothing can happen there any more */
  next({ where, feed, person, what }: Happening): Happened | undefined {
    const id = where === 'room' ? `000000000000000${feed}` : idOf(where === 'user' ? person : feed);
    const stream = `${where}-${id}`;
    const { events, present } = this.#streams.get(stream) ?? { events: [], present: new Set<string>() };
    this.#streams.set(stream, { events, present });
    const event =
      events.length === 0 ? beginning(where, id) : following(where, id, idOf(person), what, events, present);
    if (!event) return undefined;
    events.push(event);
    return { stream, event };
  }
}

function beginning(where: Happening['where'], id: string): DomainEvent {
  const createdBy = idOf(9);
  switch (where) {
    case 'channel':
      return ChannelCreated({ channelId: id, name: `channel ${id}`, kind: 'public', history: 'all', createdBy });
    case 'room':
      return RoomCreated({ roomId: id, name: null, createdBy });
    case 'meeting':
      return MeetingCreated({
        meetingId: id,
        title: 'Planning',
        description: '',
        startTime,
        endTime,
        organiserId: createdBy,
      });
    case 'user':
      return ProfileCreated({ personId: id, name: `person ${id}`, username: null });
  }
}

function following(
  where: Happening['where'],
  id: string,
  personId: string,
  what: Happening['what'],
  events: readonly DomainEvent[],
  present: Set<string>,
): DomainEvent | undefined {
  // Who is forgotten goes on posting for a while: the rest of the platform has not heard of it yet.
  if (where === 'user') return what === 'forget' && events.length === 1 ? PersonForgotten({ personId: id }) : undefined;
  if (where === 'meeting') return events.length === 1 ? MeetingBecameDue({ meetingId: id, startTime }) : undefined;
  if (where === 'room' || what === 'come-or-go') return comingOrGoing(where, personId, present);
  const messageRevision = events.findLastIndex(({ type }) => type === MessagePosted.type);
  if (what === 'post' || messageRevision < 0) {
    return MessagePosted({ authorId: personId, kind: 'message', text: `message ${events.length}` });
  }
  return MessageDeleted({ messageRevision, deletedBy: personId });
}

function comingOrGoing(where: 'channel' | 'room', personId: string, present: Set<string>): DomainEvent {
  const goes = present.delete(personId);
  if (!goes) present.add(personId);
  if (where === 'room') return goes ? ParticipantLeft({ personId, reason: 'left' }) : ParticipantJoined({ personId });
  return goes
    ? MemberLeft({ personId, how: 'left', reason: null })
    : MemberJoined({ personId, role: 'member', how: 'joined' });
}
