import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { systemActor } from '../../domain/decider.js';
import type { CommandPipeline, CommandType } from '../commands/port.js';
import { CommandRejected } from '../commands/port.js';
import type { ReadStore } from '../read-store/port.js';
import type { Positions } from '../read-store/positions.js';

export interface TimerOptions {
  readonly readStore: ReadStore;
  readonly positions: Positions;
  readonly commands: CommandPipeline;
  readonly logger: Logger;
  /** ms since 1970 */
  readonly clock?: () => number;
  /** How often the rows are looked at, ms: the most that a timer may be late. */
  readonly interval?: number;
}

/** A row of the `timers` read model: a command to be issued once a time has come. */
export interface TimerRow {
  /** ISO 8601 in UTC */
  readonly dueAt: string;
  readonly command: { readonly type: CommandType; readonly input: unknown };
}

const rowsAtOnce = 100;
/** How long to wait for the row of a fired timer to disappear before looking again, ms. */
const patience = 5_000;

/**
 * Issues commands when their time has come. A timer is a row that a projection makes and deletes; firing it is a
 * command whose id derives from the row's, so that it has one effect however often it is issued: after a restart, or
 * by several processes.
 */
export class TimerReactor {
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>;

  constructor(private readonly options: TimerOptions) {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { logger, interval = 500 } = this.options;
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        await this.#fireDue();
      } catch (error) {
        if (!signal.aborted) logger.error({ err: error }, 'timers could not be fired and will be tried again');
      }
      await delay(interval, undefined, { signal }).catch(() => undefined);
    }
  }

  async #fireDue(): Promise<void> {
    for (const { id, document } of await this.#due()) {
      if (this.#stopped.signal.aborted) return;
      await this.#fire(id, document);
    }
  }

  async #due() {
    const { readStore, clock = Date.now } = this.options;
    const first = await readStore.read((reader) =>
      reader.find<TimerRow>('timers', { orderBy: 'dueAt', limit: rowsAtOnce }),
    );
    return first.filter(({ document }) => Date.parse(document.dueAt) <= clock());
  }

  async #fire(id: string, { command, dueAt }: TimerRow): Promise<void> {
    const { commands, positions, logger } = this.options;
    const causation = `timer/${id}/${dueAt}`;
    try {
      const reply = await commands.execute({ ...command, actor: systemActor, causation });
      await positions.waitFor(['timers'], BigInt(reply.position), patience);
    } catch (error) {
      if (!(error instanceof CommandRejected)) throw error;
      logger.error({ code: error.code, timer: id }, 'a timer was refused');
    }
  }
}
