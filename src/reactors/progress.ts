import type { Logger } from 'pino';
import { systemActor } from '../../domain/decider.js';
import { type GivenUp, type Place, type ReactorState, reasonCode } from '../../domain/reactors/reactor.js';
import type { CommandPipeline } from '../commands/port.js';
import { sleep } from './sleep.js';

export interface ProgressOptions {
  /** The reactor's. */
  readonly name: string;
  /** What its stream tells at the start. */
  readonly state: ReactorState;
  readonly commands: Pick<CommandPipeline, 'execute'>;
  readonly logger: Logger;
  /** How many events are read before that is worth being recorded by itself. */
  readonly eventsBetweenProgress: number;
}

/** How long after a failure progress is recorded again, in ms. */
const recordAgainMs = 1_000;

/**
 * How far a reactor has come in this process, and its record in the reactor's stream. What happens while a record is
 * under way is written together with the next one.
 */
export class Progress {
  readonly #stopping = new AbortController();
  readonly #open: Map<string, Place>;
  readonly #settled = new Set<string>();
  readonly #givenUp = new Map<string, GivenUp>();
  #through: bigint;
  #recorded: bigint;
  #readSinceRecord = 0;
  #isOutdated = false;
  #recording: Promise<void> | undefined;

  constructor(private readonly options: ProgressOptions) {
    const { through = 0n, deferred } = options.state;
    this.#through = this.#recorded = through;
    this.#open = new Map(deferred);
  }

  /** Position through which the log was read. */
  get through(): bigint {
    return this.#through;
  }

  /** There is something to be done about the event that is read next. */
  open(place: Place): void {
    this.#open.set(place.position, place);
  }

  read(position: bigint): void {
    this.#through = position;
    this.#readSinceRecord += 1;
    if (this.#readSinceRecord >= this.options.eventsBetweenProgress) this.#record();
  }

  settle({ position }: Place): void {
    this.#open.delete(position);
    this.#settled.add(position);
    this.#record();
  }

  giveUp(place: Place, reason: string): void {
    this.#open.delete(place.position);
    this.#givenUp.set(place.position, { ...place, reason: reasonCode(reason) });
    this.#record();
  }

  /** Lets the last record end. What can't be recorded now is done again after the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#recording;
  }

  #record(): void {
    this.#isOutdated = true;
    if (!this.#stopping.signal.aborted) this.#recording ??= this.#recordAll();
  }

  async #recordAll(): Promise<void> {
    const { logger, name } = this.options;
    const { signal } = this.#stopping;
    while (this.#isOutdated) {
      this.#isOutdated = false;
      try {
        await this.#recordNow();
      } catch (error) {
        logger.error({ err: error, reactor: name }, 'progress could not be recorded');
        if (signal.aborted) break;
        this.#isOutdated = true;
        await sleep(recordAgainMs, signal);
      }
    }
    this.#recording = undefined;
  }

  async #recordNow(): Promise<void> {
    const through = this.#through;
    const settled = [...this.#settled];
    const givenUp = [...this.#givenUp.values()];
    const deferred = [...this.#open.values()].filter(({ position }) => BigInt(position) > this.#recorded);
    this.#readSinceRecord = 0;
    await this.options.commands.execute({
      type: 'reactors.RecordProgress',
      input: { reactor: this.options.name, through: String(through), deferred, settled, givenUp },
      actor: systemActor,
    });
    this.#recorded = through;
    for (const position of settled) this.#settled.delete(position);
    for (const { position } of givenUp) this.#givenUp.delete(position);
  }
}
