import { setImmediate } from 'node:timers/promises';

/** Commands that belong together, in order: one, or those of an `executeTogether`. */
export interface Unit {
  /** May be decided in one batch with its neighbours; else it is processed alone. */
  readonly batchable: boolean;
}

const maxBatch = 256;

/**
 * One queue for each stream. Units that gather while a stream's last batch is being appended are processed as the next
 * one, so a hot stream pays for one append for many commands, and nobody conflicts with themselves.
 */
export class Mailboxes<T extends Unit> {
  readonly #queues = new Map<string, T[]>();
  #idle: (() => void) | undefined;

  /** @param process settles every unit of the batch; must not reject */
  constructor(private readonly process: (stream: string, batch: T[]) => Promise<void>) {}

  enqueue(stream: string, unit: T): void {
    const queue = this.#queues.get(stream);
    if (queue) {
      queue.push(unit);
      return;
    }
    const started = [unit];
    this.#queues.set(stream, started);
    void this.#run(stream, started);
  }

  async #run(stream: string, queue: T[]): Promise<void> {
    // What other sockets bring in this turn of the event loop is decided with it.
    await setImmediate();
    while (queue.length > 0) await this.process(stream, takeBatch(queue));
    this.#queues.delete(stream);
    if (this.#queues.size === 0) this.#idle?.();
  }

  /** Resolves once no queue holds anything. */
  async idle(): Promise<void> {
    if (this.#queues.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }
}

function takeBatch<T extends Unit>(queue: T[]): T[] {
  let count = 0;
  while (count < queue.length && count < maxBatch && queue[count]?.batchable) count += 1;
  return queue.splice(0, Math.max(count, 1));
}
