import type { Logger } from 'pino';
import { systemActor } from '../../domain/decider.js';
import type { Room } from '../../projections/rooms/rooms.js';
import type { CommandExecutor } from '../commands/port.js';
import { edgeLeases, readAttendance } from '../leases/attendance.js';
import { nobody } from '../leases/lease.js';
import type { LeaseRecord, LeaseStore } from '../leases/port.js';
import type { ReadStore } from '../read-store/port.js';
import { sleep } from './sleep.js';

export interface RostersOptions {
  readonly readStore: Pick<ReadStore, 'read'>;
  readonly leases: LeaseStore;
  readonly commands: CommandExecutor;
  readonly logger: Logger;
  /** How long someone in a room may be connected to no edge, in ms. */
  readonly graceMs: number;
  /** Silence after which an edge is taken for dead, in ms; 5,000 unless told. */
  readonly patienceMs?: number;
  /** How often edges and rooms are compared, in ms; 1,000 unless told. */
  readonly intervalMs?: number;
}

const roomsAtOnce = 500;

/**
 * Makes the rosters of rooms agree with who is connected: whoever is in a room and has been told of by no living edge for
 * a while is dropped from it. So it goes after a lost connection, an edge's death, a restart of everything, and a join by
 * someone who never connected.
 */
export class RosterReactor {
  readonly #options: Required<RostersOptions>;
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>;
  /** The last sign of life of each edge, and when it was seen first. */
  readonly #edges = new Map<string, { counter: number; at: number }>();
  /** Since when somebody of a room is missing. */
  #missing = new Map<string, number>();

  constructor(options: RostersOptions) {
    this.#options = { patienceMs: 5_000, intervalMs: 1_000, ...options };
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { logger, intervalMs } = this.#options;
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await this.#compare(performance.now()).catch((error: unknown) => {
        if (!signal.aborted) logger.error({ err: error }, 'rooms could not be compared with who is connected');
      });
      await sleep(intervalMs, signal);
    }
  }

  async #compare(now: number): Promise<void> {
    const present = await this.#present(now);
    const missing = new Map<string, number>();
    for await (const [roomId, room] of this.#occupiedRooms()) {
      for (const { personId, joinedAt } of room.participants) {
        if (present.has(`${roomId} ${personId}`)) continue;
        // Who has left and come back is another one.
        const key = `${roomId} ${personId} ${joinedAt}`;
        const since = this.#missing.get(key) ?? now;
        if (now - since >= this.#options.graceMs) await this.#drop(roomId, personId);
        else missing.set(key, since);
      }
    }
    this.#missing = missing;
  }

  /** `<room> <person>` of everybody that a living edge tells of. */
  async #present(now: number): Promise<Set<string>> {
    const present = new Set<string>();
    for (const [name, record] of await this.#options.leases.list(edgeLeases)) {
      if (!(await this.#isAlive(name, record, now))) continue;
      for (const [roomId, people] of Object.entries(readAttendance(record.note))) {
        for (const personId of people) present.add(`${roomId} ${personId}`);
      }
    }
    return present;
  }

  /** What a dead edge has left behind is taken away. */
  async #isAlive(name: string, record: LeaseRecord, now: number): Promise<boolean> {
    const seen = this.#edges.get(name);
    if (seen?.counter !== record.counter) this.#edges.set(name, { counter: record.counter, at: now });
    const isDead =
      record.holder === nobody ||
      (seen !== undefined && now - seen.at >= this.#options.patienceMs && seen.counter === record.counter);
    if (!isDead) return true;
    if (await this.#options.leases.compareAndSet(name, record, undefined)) this.#edges.delete(name);
    return false;
  }

  async *#occupiedRooms(): AsyncGenerator<[string, Room]> {
    for (let idAfter = ''; ; ) {
      const page = await this.#options.readStore.read((reader) =>
        reader.find<Room>('rooms', { where: { occupied: true }, idAfter, limit: roomsAtOnce }),
      );
      for (const { id, document } of page) yield [id, document];
      const last = page.at(-1);
      if (!last || page.length < roomsAtOnce) return;
      idAfter = last.id;
    }
  }

  async #drop(roomId: string, personId: string): Promise<void> {
    const input = { roomId, personId };
    await this.#options.commands.execute({ type: 'rooms.DropParticipant', actor: systemActor, input });
  }
}
