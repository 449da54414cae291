import type { RecordedEvent } from '../../domain/event.js';
import type { Codec } from '../event-store/codec.js';
import type { StoredEvent } from '../event-store/port.js';

/**
 * Opens an event with the keys that there are now. The codec may remember it open from when it was appended, and
 * another process may have forgotten its person since: of a copy it remembers nothing.
 */
export async function openEvent(codec: Codec, stored: StoredEvent): Promise<RecordedEvent> {
  const [event] = await codec.decode([{ ...stored }]);
  return event as RecordedEvent;
}
