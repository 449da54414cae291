import { createHash } from 'node:crypto';
import type { Broker, Subscription } from '../broker/port.js';
import { commandServerTopic } from './remote-messages.js';

/** How often a server says that it executes commands, in ms. */
export const signOfLifeMs = 1_000;
/** Silence after which it is taken for gone, in ms. */
const silenceMs = 3_000;

/**
 * The processes that are known to execute commands. For each stream they have an order of their own, the same in every
 * process: as long as nobody comes or goes, all commands of a stream go to one process. There they are decided in the
 * order they came in, many together, and don't conflict.
 */
export class CommandServers {
  /** When each was heard last, by the clock of `performance`. */
  readonly #heard = new Map<string, number>();
  readonly #subscription: Subscription;

  constructor(broker: Broker) {
    this.#subscription = broker.subscribe(commandServerTopic, ({ id, serving }) => {
      if (serving) this.#heard.set(id, performance.now());
      else this.forget(id);
    });
  }

  /** Whom to ask to execute a command of the stream, the first one first. */
  for(stream: string): string[] {
    const oldest = performance.now() - silenceMs;
    return [...this.#heard]
      .filter(([, heard]) => heard >= oldest)
      .map(([id]) => ({ id, weight: createHash('sha256').update(`${id} ${stream}`).digest('hex') }))
      .sort((one, other) => (one.weight < other.weight ? 1 : -1))
      .map(({ id }) => id);
  }

  /** Does not ask a server again until it is heard again. */
  forget(id: string): void {
    this.#heard.delete(id);
  }

  stop(): void {
    this.#subscription.unsubscribe();
  }
}
