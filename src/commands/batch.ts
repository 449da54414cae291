import { events as eventDefinitions } from '../../domain/catalogue.js';
import type { Command, Decision } from '../../domain/decider.js';
import type { DomainEvent, EventMetadata, RecordedEvent } from '../../domain/event.js';
import { Rejection, reject } from '../../domain/rejections.js';
import { type Mutable, StreamDraft } from './draft.js';
import type { LoadedStream } from './loaded-stream.js';
import { newUuid } from './new-id.js';
import type { PendingCommand } from './pending-command.js';
import { CommandRejected } from './port.js';
import type { AcceptedCommand } from './recent-commands.js';

/** What became of a command of a batch; nothing of it is told before the batch's append has succeeded. */
export type Outcome =
  | { readonly kind: 'accepted'; readonly events: readonly RecordedEvent[] }
  | { readonly kind: 'repeated'; readonly accepted: AcceptedCommand }
  | { readonly kind: 'refused'; readonly error: CommandRejected };

/** Commands of one stream, decided one after the other against the evolving state. */
export class Batch {
  readonly primary: StreamDraft;
  readonly #others = new Map<string, StreamDraft>();
  readonly #recordedAt: string;
  #lastOccurrence = { at: Number.NaN, text: '' };

  constructor(
    readonly loaded: LoadedStream,
    /** When the batch is recorded, ms since 1970. */
    recordedAt: number,
  ) {
    this.#recordedAt = new Date(recordedAt).toISOString();
    this.primary = new StreamDraft(loaded);
  }

  /** Drafts with events; the primary stream's last, so that its position is the highest of a command. */
  get drafts(): StreamDraft[] {
    return [...this.#others.values(), this.primary].filter((draft) => draft.events.length > 0);
  }

  /** Whether the loaded state has evolved with events that are not stored. */
  get isDirty(): boolean {
    return this.primary.events.length > 0;
  }

  /**
   * Decides a command and evolves the state with its events.
   * @param others the other streams that the command names, loaded to their heads
   * @param accepted where the command was accepted before
   */
  decide(
    pending: PendingCommand,
    loadedEvent: RecordedEvent | undefined,
    others: Readonly<Record<string, LoadedStream>>,
    accepted: AcceptedCommand | undefined,
  ): Outcome {
    if (accepted) return recognise(pending, accepted);
    const command = loadedEvent ? { ...pending.command, loaded: loadedEvent } : pending.command;
    const states = pending.namesOthers ? statesOf(others) : {};
    const decision = this.#checkVersion(pending.definition.decide(this.loaded.state, command, states), command);
    if (decision instanceof Rejection) {
      return { kind: 'refused', error: new CommandRejected(decision.code, decision.detail, decision.field) };
    }
    return { kind: 'accepted', events: this.#draft(pending, decision, Object.values(others)) };
  }

  /** A caller that acts on an outdated representation is told so, unless it may not act at all. */
  #checkVersion(decision: Decision, { ifMatch }: Command<unknown>): Decision {
    if (decision instanceof Rejection || ifMatch === undefined) return decision;
    return ifMatch === this.loaded.aggregate.changedAt(this.loaded.state) ? decision : reject('stale-version');
  }

  /** @returns the drafted events of the primary stream */
  #draft(pending: PendingCommand, decided: readonly DomainEvent[], others: readonly LoadedStream[]): RecordedEvent[] {
    const primary: RecordedEvent[] = [];
    for (const event of decided) {
      const metadata = metadataOf(pending, event.type, this.#recordedAt, this.#occurredAt(pending));
      if (event.stream === undefined || event.stream === this.loaded.stream) {
        const drafted = this.primary.add(event, newUuid(), metadata);
        this.loaded.state = this.loaded.aggregate.evolve(this.loaded.state, drafted);
        primary.push(drafted);
      } else {
        this.#draftOf(event.stream, others).add(event, newUuid(), metadata);
      }
    }
    if (decided.length > 0 && primary.length === 0) {
      throw new Error(
        `${pending.definition.type} made events, but none in its primary stream, where retries are known by`,
      );
    }
    return primary;
  }

  /** Commands of one batch happened at about the same time, often in the same millisecond or minute. */
  #occurredAt({ command: { now } }: PendingCommand): string {
    if (now !== this.#lastOccurrence.at) this.#lastOccurrence = { at: now, text: new Date(now).toISOString() };
    return this.#lastOccurrence.text;
  }

  #draftOf(stream: string, others: readonly LoadedStream[]): StreamDraft {
    const known = this.#others.get(stream);
    if (known) return known;
    const loaded = others.find((other) => other.stream === stream);
    if (!loaded) throw new Error(`a command may append only to streams that it names, not to ${stream}`);
    const draft = new StreamDraft(loaded);
    this.#others.set(stream, draft);
    return draft;
  }
}

function statesOf(others: Readonly<Record<string, LoadedStream>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(others).map(([name, loaded]) => [name, loaded.state]));
}

function recognise({ hash }: PendingCommand, accepted: AcceptedCommand): Outcome {
  if (accepted.hash === hash) return { kind: 'repeated', accepted };
  return { kind: 'refused', error: new CommandRejected('idempotency-key-reused') };
}

function metadataOf(pending: PendingCommand, type: string, recordedAt: string, occurredAt: string): EventMetadata {
  const { request, command, commandId, hash } = pending;
  const { session, id: actor } = command.actor;
  const { causation, origin } = request;
  // Assigned behind, not spread between the others: this is made for every event.
  const metadata: Mutable<EventMetadata> = {
    actor,
    commandHash: hash,
    commandId,
    commandType: request.type,
    correlation: request.correlation ?? commandId,
    occurredAt,
    prevHash: '',
    recordedAt,
    version: String(eventDefinitions.get(type)?.version),
  };
  if (causation !== undefined) metadata.causation = causation;
  if (origin !== undefined) metadata.origin = origin;
  if (session !== undefined) metadata.session = session;
  return metadata;
}
