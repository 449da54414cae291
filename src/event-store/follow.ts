import { setImmediate } from 'node:timers/promises';
import type { EventStore, FollowOptions, StoredEvent } from './port.js';

const defaultPageSize = 500;

/** A log that can be read in pages, and that tells when there is more of it. */
export interface Followable extends Pick<EventStore, 'readAll'> {
  /** Resolves once there is an event after the position, or the signal is aborted. */
  beyond(after: bigint, signal: AbortSignal): Promise<void>;
}

/** Pages behind the position, in order and without gaps: each is read after the last one that was handed out. */
export async function* followLog(
  log: Followable,
  { after, signal, pageSize = defaultPageSize }: FollowOptions,
): AsyncGenerator<readonly StoredEvent[], void, undefined> {
  let position = after;
  while (!signal.aborted) {
    const page = await log.readAll(position, pageSize);
    if (signal.aborted) return;
    const last = page.at(-1);
    if (last) {
      position = last.position;
      yield page;
    }
    // A reader far behind must not keep everybody else from the event loop.
    if (page.length === pageSize) await setImmediate();
    else await log.beyond(position, signal);
  }
}
