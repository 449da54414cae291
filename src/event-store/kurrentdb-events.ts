import type {
  AllStreamRecordedEvent,
  BinaryEventData,
  BinaryEventType,
  Position,
  RecordedEvent,
} from '@kurrent/kurrentdb-client';
import type { EncodedEvent, StoredEvent } from './port.js';

/**
 * Between an event as the port has it and as KurrentDB keeps it. Hashes embed the stored texts, so each must come back
 * byte for byte: data travel as bytes, since the client would parse and print JSON anew; metadata travel as the flat map
 * of strings that is all a multi-stream append takes, and are printed again with sorted keys.
 */

type Written = BinaryEventData<BinaryEventType<string, Record<string, string>>>;
type Read = RecordedEvent | AllStreamRecordedEvent;

/** KurrentDB adds `$schema.name` and `$schema.format`, and keeps every name with this beginning for itself. */
const reserved = '$';

const utf8 = new TextEncoder();
const text = new TextDecoder('utf-8', { ignoreBOM: true });

/** @throws {Error} if the metadata would come back as another text */
export function toKurrentEvent({ id, type, data, metadata }: EncodedEvent): Written {
  const fields = JSON.parse(metadata) as Record<string, string>;
  if (metadataText(fields) !== metadata || !Object.values(fields).every(isText)) {
    throw new Error(
      `the metadata of ${type} ${id} are no flat map of strings with sorted keys, or use a reserved name`,
    );
  }
  return { id, type, contentType: 'application/octet-stream', data: utf8.encode(data), metadata: fields };
}

/** @param stream - as the port names it */
export function fromKurrentEvent(event: Read, stream: string): StoredEvent {
  return {
    id: event.id,
    type: event.type,
    data: event.data instanceof Uint8Array ? text.decode(event.data) : JSON.stringify(event.data),
    metadata: metadataText((event.metadata ?? {}) as Record<string, string>),
    stream,
    revision: Number(event.revision),
    // Servers that know appends to several streams tell it with every event.
    position: (event.position as Position).commit,
  };
}

/** A surrogate without its other half has no place in UTF-8. */
function isText(value: unknown): boolean {
  return typeof value === 'string' && !/\p{Surrogate}/u.test(value);
}

/** Built by hand: an object would put keys that look like numbers first. */
function metadataText(fields: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(fields).filter((name) => !name.startsWith(reserved));
  return `{${names
    .sort()
    .map((name) => `${JSON.stringify(name)}:${JSON.stringify(fields[name])}`)
    .join(',')}}`;
}
