import type { AccessChange } from '../../domain/access.js';
import { events, feedCategories, watchedCategories } from '../../domain/catalogue.js';
import type { AnyEventDefinition, Audience, RecordedEvent } from '../../domain/event.js';
import { publicFrame } from '../../domain/frame.js';
import { parseStreamName } from '../../domain/ids.js';
import type { Broker } from './port.js';
import { type FeedMessage, feedTopic, watchedTopic } from './subjects.js';

/** Publishes an event that was appended, if its stream is one that people follow; that it has grown, if processes do. */
export function publishEvent(broker: Broker, event: RecordedEvent): void {
  const { stream, revision } = event;
  if (isFeed(stream)) broker.publish(feedTopic(stream), feedMessage(event));
  else if (isWatched(stream)) broker.publish(watchedTopic, { stream, revision });
}

/** What the edges need of an event. */
export function feedMessage(event: RecordedEvent): FeedMessage {
  return new EventMessage(event);
}

/** Whether people may follow the stream live. */
export function isFeed(stream: string): boolean {
  return feedCategories.has(parseStreamName(stream).category);
}

/** Whether every process keeps the stream's state current. */
export function isWatched(stream: string): boolean {
  return watchedCategories.has(parseStreamName(stream).category);
}

/** Made of its event when somebody looks at it: within a process, most messages have no subscriber. */
class EventMessage implements FeedMessage {
  readonly #event: RecordedEvent;
  readonly #definition: AnyEventDefinition;
  #frame: string | undefined;

  constructor(event: RecordedEvent) {
    const definition = events.get(event.type);
    if (!definition) throw new Error(`no event type ${event.type} is declared`);
    this.#event = event;
    this.#definition = definition;
  }

  get feed(): string {
    return this.#event.stream;
  }

  get revision(): number {
    return this.#event.revision;
  }

  get position(): string {
    return String(this.#event.position);
  }

  get audience(): Audience {
    return this.#definition.audience;
  }

  get frame(): string {
    this.#frame ??= JSON.stringify(publicFrame(this.#event));
    return this.#frame;
  }

  get access(): readonly AccessChange[] {
    return this.#definition.access(this.#event);
  }

  /** What a broker that serialises messages sends. */
  toJSON(): FeedMessage {
    const { feed, revision, position, audience, frame, access } = this;
    return { feed, revision, position, audience, frame, access };
  }
}
