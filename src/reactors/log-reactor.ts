import { setMaxListeners } from 'node:events';
import type { Logger } from 'pino';
import { systemActor } from '../../domain/decider.js';
import type { EventMetadata, RecordedEvent } from '../../domain/event.js';
import { streamName } from '../../domain/ids.js';
import { isSettled, type Place, type ReactorState, reactor } from '../../domain/reactors/reactor.js';
import { BoundedQueue } from '../bounded-queue.js';
import type { CommandPipeline } from '../commands/port.js';
import type { Codec } from '../event-store/codec.js';
import type { EventStore, StoredEvent } from '../event-store/port.js';
import { Backoff, type BackoffOptions } from './backoff.js';
import { openEvent } from './open-event.js';
import { Outage } from './outage.js';
import { Progress } from './progress.js';
import { sleep } from './sleep.js';

/**
 * What became of a reaction:
 * - `done`;
 * - `given-up`: it can never be done;
 * - `failed`: it is tried again, and others go on;
 * - `blocked`: so are all others; they wait until it may be tried again.
 *
 * A reason is a code, never the words of others.
 */
export type Reaction =
  | { readonly outcome: 'done' }
  | { readonly outcome: 'given-up' | 'failed' | 'blocked'; readonly reason: string };

export interface LogReactorOptions {
  /** Its progress is the stream `reactor-<name>`. */
  readonly name: string;
  readonly eventStore: EventStore;
  readonly codec: Codec;
  readonly commands: CommandPipeline;
  readonly logger: Logger;
  /** Types of the events that it reacts to. */
  readonly reactsTo: ReadonlySet<string>;
  /**
   * Reacts to an event, opened just before: what is personal of someone forgotten is `null`. Called at least once for
   * each event, perhaps by several processes, so that its effect must be recognisable as the same.
   */
  readonly react: (event: RecordedEvent) => Promise<Reaction>;
  /** How many reactions go on at once; 4 unless told. */
  readonly atOnce?: number;
  /** How many may be open before no more of the log is read; 1,000 unless told. */
  readonly mostOpen?: number;
  /** How long after its event a reaction that fails is still tried again, in ms; 2 days unless told. */
  readonly patienceMs?: number;
  /** Between the tries of one that failed; from 5 s to 15 minutes unless told. */
  readonly retry?: BackoffOptions;
  /** Between the tries when all are blocked; from 1 s to 1 minute unless told. */
  readonly unblock?: BackoffOptions;
  /** How many events that are none of its business are read before progress is recorded; 10,000 unless told. */
  readonly eventsBetweenProgress?: number;
  /** How long reactions that are under way may take to end when it is stopped, in ms; 5,000 unless told. */
  readonly graceMs?: number;
  /** ms since 1970 */
  readonly clock?: () => number;
}

const defaults = {
  atOnce: 4,
  mostOpen: 1_000,
  patienceMs: 2 * 24 * 60 * 60 * 1_000,
  retry: { firstMs: 5_000, longestMs: 15 * 60 * 1_000 },
  unblock: { firstMs: 1_000, longestMs: 60_000 },
  eventsBetweenProgress: 10_000,
  graceMs: 5_000,
  clock: Date.now,
};

/** How long after a failure the log is followed again, in ms. */
const followAgainMs = 500;

/**
 * Follows the log and reacts to events of some types, each at least once. Its progress is a stream of the log, which
 * outlives the read models; a new reactor begins at the log's head. A reaction that fails is tried again while others go
 * on; what is open is not forgotten at a restart.
 */
export class LogReactor {
  readonly #options: Required<LogReactorOptions>;
  readonly #stopping = new AbortController();
  readonly #progress: Progress;
  readonly #turns: BoundedQueue;
  readonly #outage: Outage;
  readonly #pursuits = new Map<string, Promise<void>>();
  #following: Promise<void> = Promise.resolve();
  #wakeReader: () => void = () => {};

  private constructor(options: Required<LogReactorOptions>, state: ReactorState) {
    this.#options = options;
    // Each reaction that waits listens to it.
    setMaxListeners(0, this.#stopping.signal);
    this.#progress = new Progress({ ...options, state });
    this.#turns = new BoundedQueue(options.atOnce, Number.POSITIVE_INFINITY);
    this.#outage = new Outage(options.unblock, this.#stopping.signal);
  }

  /** Resolves once it is known where it begins: nothing that is appended from then on is missed. */
  static async start(given: LogReactorOptions): Promise<LogReactor> {
    const options = { ...defaults, ...given };
    const { name, eventStore, commands } = options;
    const after = String(await eventStore.head());
    await commands.execute({ type: 'reactors.StartReactor', input: { reactor: name, after }, actor: systemActor });
    const state = await commands.loadState(reactor, streamOf(name));
    const started = new LogReactor(options, state);
    for (const place of state.deferred.values()) started.#begin(place);
    started.#following = started.#followLog();
    return started;
  }

  get name(): string {
    return this.#options.name;
  }

  /** How many events it has read and not done. */
  get open(): number {
    return this.#pursuits.size;
  }

  /** Position through which it has read the log. */
  get through(): bigint {
    return this.#progress.through;
  }

  /** Why nothing can be done at the moment. */
  get blockedBy(): string | undefined {
    return this.#outage.reason;
  }

  /** Begins nothing more, lets end what is under way for a while, and records it. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wakeReader();
    await this.#following;
    const grace = new AbortController();
    await Promise.race([Promise.all(this.#pursuits.values()), sleep(this.#options.graceMs, grace.signal)]);
    grace.abort();
    await this.#progress.stop();
  }

  async #followLog(): Promise<void> {
    const { eventStore, name, logger } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        for await (const page of eventStore.follow({ after: this.#progress.through, signal })) await this.#take(page);
      } catch (error) {
        if (!signal.aborted) logger.error({ err: error, reactor: name }, 'a reactor could not follow the log');
      }
      await sleep(followAgainMs, signal);
    }
  }

  async #take(page: readonly StoredEvent[]): Promise<void> {
    for (const { type, stream, revision, position } of page) {
      if (this.#options.reactsTo.has(type)) {
        await this.#room();
        if (this.#stopping.signal.aborted) return;
        const place = { position: String(position), stream, revision };
        this.#progress.open(place);
        this.#begin(place);
      }
      this.#progress.read(position);
    }
  }

  /** What there is no room for stays in the log. */
  async #room(): Promise<void> {
    while (this.#pursuits.size >= this.#options.mostOpen && !this.#stopping.signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
  }

  #begin(place: Place): void {
    const pursuit = this.#pursue(place).finally(() => {
      this.#pursuits.delete(place.position);
      this.#wakeReader();
    });
    this.#pursuits.set(place.position, pursuit);
  }

  /** Tries until it is done, given up, or the reactor is stopped. */
  async #pursue(place: Place): Promise<void> {
    const { signal } = this.#stopping;
    const backoff = new Backoff(this.#options.retry);
    while (!signal.aborted) {
      const reaction = await this.#turns.run(() => this.#tryInTurn(place));
      switch (reaction?.outcome) {
        case 'done':
          this.#unblock();
          return this.#progress.settle(place);
        case 'given-up':
          return this.#giveUp(place, reaction.reason);
        case 'failed':
          this.#unblock();
          await this.#wait(place, reaction.reason, backoff.next());
          break;
        case 'blocked':
          this.#block(reaction.reason);
      }
    }
  }

  /** @returns undefined if the reactor was stopped before its turn */
  async #tryInTurn(place: Place): Promise<Reaction | undefined> {
    await this.#outage.paused();
    if (this.#stopping.signal.aborted) return undefined;
    try {
      return await this.#try(place);
    } catch (error) {
      const { logger, name } = this.#options;
      logger.error({ err: error, reactor: name, ...where(place) }, 'a reaction failed unexpectedly');
      return { outcome: 'failed', reason: 'error' };
    }
  }

  async #try(place: Place): Promise<Reaction> {
    const { commands, eventStore, codec, react, name, patienceMs, clock } = this.#options;
    if (isSettled(await commands.loadState(reactor, streamOf(name)), place.position)) return { outcome: 'done' };
    const [stored] = await eventStore.readStream(place.stream, { from: place.revision, limit: 1 });
    if (!stored) throw new Error(`there is no event at revision ${place.revision} of ${place.stream}`);
    const reaction = await react(await openEvent(codec, stored));
    const { recordedAt } = JSON.parse(stored.metadata) as EventMetadata;
    const isTooLate = clock() - Date.parse(recordedAt) > patienceMs;
    const mayBeTriedAgain = reaction.outcome === 'failed' || reaction.outcome === 'blocked';
    return mayBeTriedAgain && isTooLate ? { ...reaction, outcome: 'given-up' } : reaction;
  }

  async #wait(place: Place, reason: string, ms: number): Promise<void> {
    const { logger, name } = this.#options;
    logger.warn({ reactor: name, ...where(place), reason, againInMs: Math.round(ms) }, 'a reaction failed');
    await sleep(ms, this.#stopping.signal);
  }

  #giveUp(place: Place, reason: string): void {
    const { logger, name } = this.#options;
    logger.warn({ reactor: name, ...where(place), reason }, 'a reaction was given up');
    this.#progress.giveUp(place, reason);
  }

  #block(reason: string): void {
    const { logger, name } = this.#options;
    const ms = this.#outage.begin(reason);
    if (ms !== undefined) logger.warn({ reactor: name, reason, againInMs: Math.round(ms) }, 'a reactor is blocked');
  }

  #unblock(): void {
    const { logger, name } = this.#options;
    if (this.#outage.end()) logger.info({ reactor: name }, 'a reactor goes on');
  }
}

function streamOf(name: string): string {
  return streamName(reactor.category, name);
}

function where({ stream, revision }: Place): Pick<Place, 'stream' | 'revision'> {
  return { stream, revision };
}
