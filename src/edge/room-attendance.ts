import { parseStreamName } from '../../domain/ids.js';
import type { CommandRequest } from '../commands/port.js';
import type { Attendance } from '../leases/attendance.js';
import type { Session } from './session.js';

/**
 * Who is in which room through which socket of this edge: who has joined it over the socket, or follows it. Told with the
 * edge's lease; whoever is in a room and nowhere told of is dropped from it after a while.
 */
export class RoomAttendance {
  /** Room ids, of the sockets that are in one. */
  readonly #rooms = new Map<Session, Set<string>>();

  /** A command of the socket was executed. */
  executed(session: Session, { type, input }: CommandRequest): void {
    if (type === 'rooms.JoinRoom') this.#enter(session, (input as { roomId: string }).roomId);
    else if (type === 'rooms.LeaveRoom') this.#leave(session, (input as { roomId: string }).roomId);
  }

  /** The socket follows a feed. */
  followed(session: Session, feed: string): void {
    const { category, id } = parseStreamName(feed);
    if (category === 'room') this.#enter(session, id);
  }

  closed(session: Session): void {
    this.#rooms.delete(session);
  }

  /** Each person of each room, once. */
  get attendance(): Attendance {
    const people = new Map<string, Set<string>>();
    for (const [{ actor }, rooms] of this.#rooms) {
      for (const room of rooms) if (actor) people.set(room, (people.get(room) ?? new Set()).add(actor.id));
    }
    return Object.fromEntries([...people].map(([room, ids]) => [room, [...ids]]));
  }

  #enter(session: Session, roomId: string): void {
    // The socket may have closed while the command was executed.
    if (!session.closed) this.#rooms.set(session, (this.#rooms.get(session) ?? new Set()).add(roomId));
  }

  /** Leaving a room is leaving it with all one's sockets. */
  #leave(session: Session, roomId: string): void {
    for (const [other, rooms] of this.#rooms) if (other.actor?.id === session.actor?.id) rooms.delete(roomId);
  }
}
