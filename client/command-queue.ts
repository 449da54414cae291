import type { ClientMessage, ErrorMessage, ReplyMessage } from '../src/edge/protocol.js';
import { Backoff } from './backoff.js';
import { CommandTimeout, isPassing, ProblemError } from './errors.js';

interface Waiting {
  readonly message: ClientMessage<'command'>;
  readonly timeout: ReturnType<typeof setTimeout>;
  readonly backoff: Backoff;
  resolve(reply: never): void;
  reject(error: Error): void;
}

/** Commands that may wait for an answer at the same time: half of what the edge takes. */
const mostInFlight = 32;

/**
 * Commands that have no answer yet. Each carries an idempotency key, so that it can be sent again after the connection
 * was lost, with one effect. They are sent in the order given; one that is sent again may come after later ones.
 */
export class CommandQueue {
  readonly #waiting = new Map<string, Waiting>();
  readonly #unsent: string[] = [];
  #inFlight = new Set<string>();
  #lastId = 0;

  constructor(private readonly send: (message: ClientMessage) => boolean) {}

  execute<Reply>(command: Omit<ClientMessage<'command'>, 'op' | 'id'>, timeoutMs: number): Promise<Reply> {
    const id = String(++this.#lastId);
    return new Promise((resolve, reject) => {
      const timeout = setTimeout(() => this.#settle(id)?.reject(new CommandTimeout(command.type)), timeoutMs);
      const message = { op: 'command', id, ...command } as const;
      this.#waiting.set(id, { message, timeout, backoff: new Backoff(), resolve, reject });
      this.#unsent.push(id);
      this.#sendMore();
    });
  }

  /** Sends everything that has no answer yet. */
  resume(): void {
    this.#inFlight = new Set();
    this.#unsent.splice(0, Number.POSITIVE_INFINITY, ...this.#waiting.keys());
    this.#sendMore();
  }

  replied({ id, reply }: ReplyMessage): void {
    this.#settle(id)?.resolve(reply as never);
  }

  refused({ id, problem }: ErrorMessage): void {
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (id === undefined || !waiting) return;
    if (isPassing(problem)) this.#sendLater(id, waiting);
    else this.#settle(id)?.reject(new ProblemError(problem));
  }

  end(error: Error): void {
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(error);
  }

  #sendMore(): void {
    while (this.#inFlight.size < mostInFlight && this.#unsent.length > 0) {
      const id = this.#unsent[0] as string;
      const waiting = this.#waiting.get(id);
      if (waiting && !this.send(waiting.message)) return;
      this.#unsent.shift();
      if (waiting) this.#inFlight.add(id);
    }
  }

  #sendLater(id: string, { backoff }: Waiting): void {
    this.#inFlight.delete(id);
    setTimeout(() => {
      if (!this.#waiting.has(id) || this.#inFlight.has(id) || this.#unsent.includes(id)) return;
      this.#unsent.push(id);
      this.#sendMore();
    }, backoff.next());
    this.#sendMore();
  }

  #settle(id: string): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    clearTimeout(waiting?.timeout);
    this.#waiting.delete(id);
    if (this.#inFlight.delete(id)) this.#sendMore();
    return waiting;
  }
}
