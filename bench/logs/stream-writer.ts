import { v7 as uuidv7 } from 'uuid';
import type { DomainEvent, EventMetadata } from '../../domain/event.js';
import { hashEvent } from '../../src/event-store/hash.js';
import type { EncodedEvent } from '../../src/event-store/port.js';
import type { Stores } from './stores.js';

const eventsOfAppend = 1_000;

/** Appends to a stream that nobody else writes, in large lots. */
export class StreamWriter {
  #waiting: DomainEvent[] = [];
  #revision = -1;
  #lastHash = '';

  constructor(
    private readonly stores: Stores,
    private readonly stream: string,
  ) {}

  async add(event: DomainEvent): Promise<void> {
    if (this.#waiting.push(event) === eventsOfAppend) await this.flush();
  }

  async flush(): Promise<void> {
    const { codec, eventStore } = this.stores;
    await codec.prepare(this.#waiting);
    const events = this.#waiting.map((event, index) => this.#encode(event, this.#revision + 1 + index));
    await eventStore.append([{ stream: this.stream, expectedRevision: this.#revision, events }]);
    this.#revision += events.length;
    this.#waiting = [];
  }

  #encode(event: DomainEvent, revision: number): EncodedEvent {
    const encoded = this.stores.codec.encode(event, uuidv7(), metadataOf(event, this.#lastHash));
    this.#lastHash = hashEvent({ ...encoded, stream: this.stream, revision });
    return encoded;
  }
}

function metadataOf({ type, data }: DomainEvent, prevHash: string): Omit<EventMetadata, 'version'> {
  const { authorId, personId } = data as { authorId?: string; personId?: string };
  const commandId = uuidv7();
  const now = new Date().toISOString();
  return {
    actor: authorId ?? personId ?? 'system',
    commandHash: prevHash,
    commandId,
    commandType: type,
    correlation: commandId,
    occurredAt: now,
    prevHash,
    recordedAt: now,
  };
}
