import type { CloseCause } from './close-codes.js';
import type { EdgeLimits } from './limits.js';
import type { Session } from './session.js';

/** How often deadlines are looked at, in ms. */
const sweepMs = 500;

/** The sockets of an edge: their numbers, who is behind them, and their deadlines. */
export class Sessions {
  readonly #all = new Set<Session>();
  readonly #byPerson = new Map<string, Session[]>();
  #authenticated = 0;
  readonly #sweeping: NodeJS.Timeout;

  constructor(private readonly limits: EdgeLimits) {
    this.#sweeping = setInterval(() => this.#sweep(performance.now()), sweepMs);
  }

  get size(): number {
    return this.#all.size;
  }

  get authenticated(): number {
    return this.#authenticated;
  }

  get persons(): number {
    return this.#byPerson.size;
  }

  /** Whether another socket can be taken. */
  get hasRoom(): boolean {
    const { sockets, unauthenticatedSockets } = this.limits;
    return this.#all.size < sockets && this.#all.size - this.#authenticated < unauthenticatedSockets;
  }

  add(session: Session): void {
    this.#all.add(session);
  }

  /** Counts the socket as the person's. @returns false if the person has too many */
  admit(session: Session, personId: string): boolean {
    const own = this.#byPerson.get(personId) ?? [];
    if (own.length >= this.limits.socketsPerPerson) return false;
    own.push(session);
    this.#byPerson.set(personId, own);
    this.#authenticated += 1;
    return true;
  }

  remove(session: Session): void {
    this.#all.delete(session);
    const personId = session.actor?.id;
    if (personId === undefined) return;
    const own = this.#byPerson.get(personId) ?? [];
    own.splice(own.indexOf(session), 1);
    this.#authenticated -= 1;
    if (own.length === 0) this.#byPerson.delete(personId);
  }

  /** Has the sockets of a person looked at again, or all of them. */
  recheck(personId?: string): void {
    const concerned = personId === undefined ? this.#all : (this.#byPerson.get(personId) ?? []);
    for (const session of [...concerned]) void session.recheck();
  }

  closeAll(cause: CloseCause): void {
    for (const session of this.#all) session.close(cause);
  }

  closeUnless(mayStay: (session: Session) => boolean, cause: CloseCause): void {
    for (const session of [...this.#all]) if (!mayStay(session)) session.close(cause);
  }

  stop(): void {
    clearInterval(this.#sweeping);
  }

  /** One timer for all: a socket's own would cost more memory than the socket may. */
  #sweep(now: number): void {
    for (const session of this.#all) {
      if (now >= session.deadline.at) session.close(session.deadline.cause);
      else if (session.stalledSince !== undefined && now - session.stalledSince > this.limits.behindMs) {
        session.close('too-slow');
      }
    }
  }
}
