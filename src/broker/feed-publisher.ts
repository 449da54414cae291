import { events, feedCategories } from '../../domain/catalogue.js';
import type { RecordedEvent } from '../../domain/event.js';
import { publicFrame } from '../../domain/frame.js';
import { parseStreamName } from '../../domain/ids.js';
import type { Broker } from './port.js';
import { type FeedMessage, feedSubject } from './subjects.js';

/** Publishes an event that was appended, if its stream is one that people may follow. */
export function publishFeedEvent(broker: Broker, event: RecordedEvent): void {
  if (isFeed(event.stream)) broker.publish(feedSubject(event.stream), feedMessage(event));
}

/** What the edges need of an event, its frame serialised once for all subscribers. */
export function feedMessage(event: RecordedEvent): FeedMessage {
  const frame = publicFrame(event);
  const definition = events.get(event.type);
  if (!definition) throw new Error(`no event type ${event.type} is declared`);
  return {
    feed: event.stream,
    revision: event.revision,
    position: frame.position,
    audience: definition.audience,
    frame: JSON.stringify(frame),
    access: definition.access(event),
  };
}

/** Whether people may follow the stream live. */
export function isFeed(stream: string): boolean {
  return feedCategories.has(parseStreamName(stream).category);
}
