import { createSecretKey, type KeyObject } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Aggregate } from '../../domain/decider.js';
import type { RecordedEvent } from '../../domain/event.js';
import type { Codec } from '../event-store/codec.js';
import { type EventStore, OutcomeUnknown, RevisionConflict } from '../event-store/port.js';
import type { KeyStore } from '../keys/port.js';
import type { ReadStore } from '../read-store/port.js';
import type { Positions } from '../read-store/positions.js';
import { ServerUnavailable } from '../server-unavailable.js';
import { AcceptedCommands } from './accepted-commands.js';
import { Batch, type Outcome } from './batch.js';
import type { LoadedStream } from './loaded-stream.js';
import { Mailboxes } from './mailbox.js';
import { type PendingCommand, PendingUnit, pend, replyOf } from './pending-command.js';
import { type CommandPipeline, type CommandReply, type CommandRequest, ShuttingDown, StreamContended } from './port.js';
import { eventsBeforeLastSnapshot, eventsBetweenSnapshots, Snapshots } from './snapshots.js';
import { StreamLoader } from './stream-loader.js';

export interface PipelineOptions {
  readonly eventStore: EventStore;
  readonly codec: Codec;
  readonly keys: KeyStore;
  readonly readStore: ReadStore;
  readonly positions: Positions;
  /** Called for each event as soon as it is stored; fast, and may fail to reach anyone. */
  readonly publish: (event: RecordedEvent) => void;
  readonly logger: Logger;
  /** ms since 1970 */
  readonly clock?: () => number;
  /**
   * How much a stream grows between two snapshots, which are taken also when the pipeline is drained; 2,000 unless told.
   * An import is told more: a snapshot of a channel with 25,000 members costs as much as hundreds of its events.
   */
  readonly eventsBetweenSnapshots?: number;
}

/** How long a command is decided again and again where other processes keep appending to its streams, in ms. */
const patienceMs = 5_000;

/** The stream has grown since the state that a batch was decided on. */
class StateBehind extends Error {}

interface DecidedBatch {
  readonly batch: Batch;
  readonly outcomes: ReadonlyMap<PendingCommand, Outcome>;
  /** Nothing is to be appended: a unit that was alone is refused, and with one of its commands all of them. */
  readonly void: boolean;
}

/**
 * The way of every command: parse, identify, wait in the primary stream's mailbox, load, decide, append, publish, answer.
 */
export class Pipeline implements CommandPipeline {
  readonly #mailboxes = new Mailboxes<PendingUnit>((stream, batch) => this.#process(stream, batch));
  #draining = false;

  private constructor(
    private readonly options: PipelineOptions,
    private readonly hashKey: KeyObject,
    private readonly loader: StreamLoader,
    private readonly snapshots: Snapshots,
    private readonly accepted: AcceptedCommands,
  ) {}

  static async open(options: PipelineOptions): Promise<Pipeline> {
    const { eventStore, codec, keys, readStore, positions, logger } = options;
    const snapshots = await Snapshots.open(readStore, codec, logger);
    return new Pipeline(
      options,
      createSecretKey(await keys.secret('commands')),
      new StreamLoader(eventStore, codec, snapshots),
      snapshots,
      new AcceptedCommands(eventStore, codec, readStore, positions),
    );
  }

  async execute(request: CommandRequest): Promise<CommandReply> {
    const [reply] = await this.executeTogether([request]);
    return reply as CommandReply;
  }

  async executeTogether(requests: readonly CommandRequest[]): Promise<CommandReply[]> {
    if (this.#draining) throw new ShuttingDown();
    const now = this.#now();
    const unit = new PendingUnit(requests.map((request) => pend(request, this.hashKey, now)));
    const [first] = unit.commands;
    if (!first) return [];
    if (unit.commands.some((command) => command.stream !== first.stream)) {
      throw new Error('commands executed together have one primary stream');
    }
    this.#mailboxes.enqueue(first.stream, unit);
    return unit.answered;
  }

  async loadState<State>(aggregate: Aggregate<State>, stream: string): Promise<State> {
    return (await this.loader.load(stream, aggregate)).state;
  }

  async drain(): Promise<void> {
    this.#draining = true;
    await this.#mailboxes.idle();
    for (const loaded of this.loader.atHand) this.snapshots.consider(loaded, eventsBeforeLastSnapshot);
    await this.snapshots.settled();
  }

  #now(): number {
    return (this.options.clock ?? Date.now)();
  }

  /** Settles every unit of the batch, whatever happens. */
  async #process(stream: string, units: PendingUnit[]): Promise<void> {
    const { first, repeated } = partition(units);
    let decided: DecidedBatch | undefined;
    try {
      decided = await this.#decideAndAppend(stream, first);
    } catch (error) {
      // A command that can't be decided or stored must not take its neighbours along.
      const alone = first.length === 1 || error instanceof OutcomeUnknown || error instanceof ServerUnavailable;
      if (alone) for (const unit of first) unit.refuse(error);
      else for (const unit of first) await this.#process(stream, [unit]);
    }
    if (decided) await this.#tell(first, decided);
    if (repeated.length > 0) await this.#process(stream, repeated);
  }

  /** Decides until the append meets the streams as they were decided on. */
  async #decideAndAppend(stream: string, units: readonly PendingUnit[]): Promise<DecidedBatch> {
    const begun = performance.now();
    for (let tries = 1; ; tries += 1) {
      try {
        const decided = await this.#decideBatch(stream, units);
        if (!decided.void) await this.#append(decided.batch);
        else if (decided.batch.isDirty) this.loader.forget(stream);
        return decided;
      } catch (error) {
        this.loader.forget(stream);
        const another = error instanceof RevisionConflict || error instanceof StateBehind;
        if (!another) throw error;
        if (performance.now() - begun > patienceMs) throw new StreamContended(stream);
        await delay(Math.random() * Math.min(2 ** tries, 100));
      }
    }
  }

  async #decideBatch(stream: string, units: readonly PendingUnit[]): Promise<DecidedBatch> {
    const pendings = units.flatMap(({ commands }) => commands);
    const loaded = await this.loader.cached(stream, (pendings[0] as PendingCommand).definition.aggregate);
    const batch = new Batch(loaded, this.#now());
    const outcomes = new Map<PendingCommand, Outcome>();
    let refused = false;
    for (const pending of pendings) {
      const outcome = await this.#decide(pending, batch);
      refused ||= outcome.kind === 'refused';
      outcomes.set(pending, outcome);
    }
    return { batch, outcomes, void: refused && units.length === 1 };
  }

  async #decide(pending: PendingCommand, batch: Batch): Promise<Outcome> {
    const { loaded } = batch;
    // Most commands need none of this, and an await costs all of them.
    const accepted = pending.repeatable ? await this.accepted.find(pending, loaded) : undefined;
    const named = pending.loads === undefined ? undefined : await this.#loadNamedEvent(pending, pending.loads);
    const others = pending.namesOthers ? await this.#loadOthers(pending) : {};
    const outcome = batch.decide(pending, named, others, accepted);
    // Another process may have written what makes the command pass, or what gives it something to do.
    const leavesNothing = outcome.kind === 'refused' || (outcome.kind === 'accepted' && outcome.events.length === 0);
    if (leavesNothing && (await this.loader.hasGrown(loaded.stream, loaded.revision))) throw new StateBehind();
    return outcome;
  }

  async #loadNamedEvent({ stream }: PendingCommand, revision: number): Promise<RecordedEvent | undefined> {
    const { eventStore, codec } = this.options;
    const [event] = await codec.decode(await eventStore.readStream(stream, { from: revision, limit: 1 }));
    return event;
  }

  async #loadOthers({ others }: PendingCommand): Promise<Record<string, LoadedStream>> {
    const loaded = await Promise.all(
      Object.entries(others).map(
        async ([name, { stream, aggregate }]) => [name, await this.loader.load(stream, aggregate)] as const,
      ),
    );
    return Object.fromEntries(loaded);
  }

  async #append(batch: Batch): Promise<void> {
    const { drafts } = batch;
    if (drafts.length === 0) return;
    const { eventStore, codec } = this.options;
    await codec.prepare(drafts.flatMap((draft) => draft.events));
    const stored = await eventStore.append(drafts.map((draft) => draft.encode(codec)));
    let taken = 0;
    for (const draft of drafts) {
      draft.settle(stored.slice(taken, taken + draft.events.length), codec);
      taken += draft.events.length;
    }
  }

  /** Tells everybody what is stored. Nothing that fails here may have it decided again. */
  async #tell(units: readonly PendingUnit[], decided: DecidedBatch): Promise<void> {
    const { batch, outcomes } = decided;
    if (!decided.void) this.#publish(batch);
    for (const unit of units) {
      try {
        unit.answer(await this.#repliesOf(unit, batch.loaded, outcomes));
      } catch (error) {
        unit.refuse(error);
      }
    }
    // A batch that is void may have left a state that was never stored.
    if (!decided.void) {
      this.snapshots.consider(batch.loaded, this.options.eventsBetweenSnapshots ?? eventsBetweenSnapshots);
    }
  }

  #publish({ drafts }: Batch): void {
    const { publish, logger } = this.options;
    try {
      for (const draft of drafts) for (const event of draft.events) publish(event);
    } catch (error) {
      logger.error({ err: error }, 'stored events could not be published: followers get them from the log');
    }
  }

  async #repliesOf(
    unit: PendingUnit,
    head: LoadedStream,
    outcomes: ReadonlyMap<PendingCommand, Outcome>,
  ): Promise<CommandReply[]> {
    const refused = unit.commands
      .map((pending) => outcomes.get(pending))
      .find((outcome) => outcome?.kind === 'refused');
    if (refused) throw refused.error;
    const replies: CommandReply[] = [];
    for (const pending of unit.commands) {
      const outcome = outcomes.get(pending) as Exclude<Outcome, { kind: 'refused' }>;
      const events =
        outcome.kind === 'accepted' ? outcome.events : await this.accepted.events(pending, outcome.accepted);
      replies.push(replyOf(pending, events, head));
    }
    return replies;
  }
}

/** Sets apart the units that repeat a command of the same batch: they are answered once that one is stored. */
function partition(batch: PendingUnit[]): { first: PendingUnit[]; repeated: PendingUnit[] } {
  const seen = new Set<string>();
  const first: PendingUnit[] = [];
  const repeated: PendingUnit[] = [];
  for (const unit of batch) {
    const again = unit.commands.some(({ repeatable, commandId }) => repeatable && seen.has(commandId));
    (again ? repeated : first).push(unit);
    for (const { commandId } of unit.commands) seen.add(commandId);
  }
  return { first, repeated };
}
