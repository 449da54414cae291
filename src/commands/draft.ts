import type { DomainEvent, EventMetadata, RecordedEvent } from '../../domain/event.js';
import type { Codec } from '../event-store/codec.js';
import { hashEvent } from '../event-store/hash.js';
import type { EncodedEvent, StoredEvent, StreamAppend } from '../event-store/port.js';
import type { LoadedStream } from './loaded-stream.js';

export type Mutable<T> = { -readonly [Field in keyof T]: T[Field] };

/** A decided event that has its place in its stream, but not yet in the log. */
interface DraftedEvent extends Mutable<RecordedEvent> {
  metadata: Mutable<EventMetadata>;
}

/** Decided events for one stream, in order, and what they make of it once they are stored. */
export class StreamDraft {
  readonly events: DraftedEvent[] = [];
  readonly #hashes: string[] = [];

  constructor(readonly loaded: LoadedStream) {}

  /**
   * @param metadata - the event's own from now on
   * @returns the event as `evolve` may see it: its position is known only after `settle`
   */
  add(event: DomainEvent, id: string, metadata: Mutable<EventMetadata>): RecordedEvent {
    const drafted: DraftedEvent = {
      id,
      type: event.type,
      data: event.data,
      stream: this.loaded.stream,
      revision: this.loaded.revision + this.events.length + 1,
      position: 0n,
      metadata,
    };
    this.events.push(drafted);
    return drafted;
  }

  /** Chains each event to the one before, and encodes it. The codec must have been prepared for them. */
  encode(codec: Codec): StreamAppend {
    let previous = this.loaded.lastHash;
    const encoded = this.events.map((event): EncodedEvent => {
      event.metadata.prevHash = previous;
      const stored = codec.encode(event, event.id, event.metadata);
      const { id, type, data, metadata } = stored;
      previous = hashEvent({ stream: event.stream, revision: event.revision, id, type, data, metadata });
      this.#hashes.push(previous);
      return stored;
    });
    return { stream: this.loaded.stream, expectedRevision: this.loaded.revision, events: encoded };
  }

  /** Takes up where the events came to lie in the log. `stored` are this draft's events, in order. */
  settle(stored: readonly StoredEvent[], codec: Codec): void {
    for (const [index, event] of this.events.entries()) {
      const kept = stored[index] as StoredEvent;
      event.position = kept.position;
      codec.remember(kept, event);
      this.loaded.settle(event, this.#hashes[index] as string);
    }
  }
}
