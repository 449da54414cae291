import { events } from './catalogue.js';
import type { FrameBody, RecordedEvent } from './event.js';

/** What a follower gets of an event: its public, versioned shape. */
export interface Frame {
  readonly op: 'event';
  readonly feed: string;
  readonly revision: number;
  readonly position: string;
  readonly type: string;
  /** Version of `data`'s shape, apart from the event's own. */
  readonly version: number;
  /** When it happened, ISO 8601 in UTC. */
  readonly at: string;
  readonly actor: string;
  readonly data: FrameBody;
}

/** What a follower gets of an event that is not for them, so that their cursor stays without gaps. */
export type BareFrame = Pick<Frame, 'op' | 'feed' | 'revision' | 'position'>;

/**
 * @throws {Error} if the event's type is not declared
 */
export function publicFrame(event: RecordedEvent): Frame {
  const definition = events.get(event.type);
  if (!definition) throw new Error(`no event type ${event.type} is declared`);
  const { op, feed, revision, position } = bareFrame(event);
  return {
    op,
    feed,
    revision,
    position,
    type: event.type,
    version: definition.frameVersion,
    at: event.metadata.occurredAt,
    actor: event.metadata.actor,
    data: definition.toFrame(event),
  };
}

export function bareFrame(event: Pick<RecordedEvent, 'stream' | 'revision' | 'position'>): BareFrame {
  return { op: 'event', feed: event.stream, revision: event.revision, position: String(event.position) };
}
