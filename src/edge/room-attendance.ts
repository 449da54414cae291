import { systemActor } from '../../domain/decider.js';
import { parseStreamName, streamName } from '../../domain/ids.js';
import type { CommandExecutor, CommandRequest } from '../commands/port.js';
import type { Session } from './session.js';

export interface RoomAttendanceOptions {
  readonly commands: CommandExecutor;
  /** How long someone whose connection was lost may be away, in ms. */
  readonly graceMs: number;
  onError(error: unknown): void;
}

/**
 * Who is in which room through which socket. Someone who loses their last socket in a room and does not come back in
 * time is dropped from it; to come back is to join the room or to follow it again.
 */
export class RoomAttendance {
  /** Room ids, of the sockets that are in one. */
  readonly #rooms = new Map<Session, Set<string>>();
  /** By room and person. */
  readonly #departures = new Map<string, NodeJS.Timeout>();

  constructor(private readonly options: RoomAttendanceOptions) {}

  /** A command of the socket was executed. */
  executed(session: Session, { type, input }: CommandRequest): void {
    if (type === 'rooms.JoinRoom') this.#enter(session, (input as { roomId: string }).roomId);
    else if (type === 'rooms.LeaveRoom') this.#leave(session, (input as { roomId: string }).roomId);
  }

  /** The socket follows a feed: if it is a room that its person was about to be dropped from, they are back. */
  followed(session: Session, feed: string): void {
    const { category, id } = parseStreamName(feed);
    if (category === 'room' && this.#departures.has(departure(session, id))) this.#enter(session, id);
  }

  closed(session: Session): void {
    const rooms = this.#rooms.get(session);
    this.#rooms.delete(session);
    for (const roomId of rooms ?? []) if (!this.#isIn(session, roomId)) this.#awaitReturn(session, roomId);
  }

  stop(): void {
    for (const timer of this.#departures.values()) clearTimeout(timer);
    this.#departures.clear();
    this.#rooms.clear();
  }

  #enter(session: Session, roomId: string): void {
    this.#cancel(departure(session, roomId));
    // the socket may have closed while the command was executed
    if (session.closed) this.#awaitReturn(session, roomId);
    else this.#rooms.set(session, (this.#rooms.get(session) ?? new Set()).add(roomId));
  }

  /** Leaving a room is leaving it with all one's sockets. */
  #leave(session: Session, roomId: string): void {
    this.#cancel(departure(session, roomId));
    for (const [other, rooms] of this.#rooms) if (samePerson(other, session)) rooms.delete(roomId);
  }

  #isIn(session: Session, roomId: string): boolean {
    for (const [other, rooms] of this.#rooms) if (samePerson(other, session) && rooms.has(roomId)) return true;
    return false;
  }

  #awaitReturn(session: Session, roomId: string): void {
    const key = departure(session, roomId);
    this.#cancel(key);
    const timer = setTimeout(() => {
      this.#departures.delete(key);
      void this.#drop(session, roomId);
    }, this.options.graceMs);
    this.#departures.set(key, timer);
  }

  async #drop(session: Session, roomId: string): Promise<void> {
    const personId = session.actor?.id;
    try {
      await this.options.commands.execute({
        type: 'rooms.DropParticipant',
        input: { roomId, personId },
        actor: systemActor,
      });
    } catch (error) {
      this.options.onError(error);
    }
  }

  #cancel(key: string): void {
    clearTimeout(this.#departures.get(key));
    this.#departures.delete(key);
  }
}

function departure(session: Session, roomId: string): string {
  return `${streamName('room', roomId)} ${session.actor?.id}`;
}

function samePerson(one: Session, other: Session): boolean {
  return one.actor?.id === other.actor?.id;
}
