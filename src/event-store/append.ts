import { EventTooLarge, maxEventBytes, RevisionConflict, type StoredEvent, type StreamAppend } from './port.js';

/** What every adapter asks of an append before it writes. */

/** What an adapter knows of its log at the moment of the append. */
export interface LogView {
  /** Revision of the stream's last event, -1 if it has none. */
  headRevision(stream: string): number;
  /** At most `limit` events of the stream from a revision on. */
  eventsFrom(stream: string, revision: number, limit: number): StoredEvent[];
}

export type Verdict =
  | { readonly kind: 'write' }
  /** The append had been written before; these are its events. */
  | { readonly kind: 'repeated'; readonly events: StoredEvent[] }
  | { readonly kind: 'conflict'; readonly conflict: RevisionConflict };

/**
 * @throws {EventTooLarge}
 * @throws {Error} if a stream is named twice, or two events have the same id
 */
export function checkAppends(appends: readonly StreamAppend[]): void {
  if (new Set(appends.map(({ stream }) => stream)).size < appends.length) {
    throw new Error('an append names a stream twice');
  }
  const ids = appends.flatMap(({ events }) => events.map(({ id }) => id));
  if (new Set(ids).size < ids.length) throw new Error('an append holds an event twice');
  for (const { events } of appends) for (const event of events) checkSize(event.data, event.metadata);
}

function checkSize(data: string, metadata: string): void {
  // No UTF-16 unit takes more than three bytes of UTF-8.
  if (3 * (data.length + metadata.length) <= maxEventBytes) return;
  const bytes = Buffer.byteLength(data) + Buffer.byteLength(metadata);
  if (bytes > maxEventBytes) throw new EventTooLarge(bytes);
}

/** Whether the streams are where the append expects them, or it is a repetition of one that was written. */
export function judgeAppend(appends: readonly StreamAppend[], log: LogView): Verdict {
  const conflict = findConflict(appends, log);
  if (!conflict) return { kind: 'write' };
  const events = findOriginals(appends, log);
  return events ? { kind: 'repeated', events } : { kind: 'conflict', conflict };
}

function findConflict(appends: readonly StreamAppend[], log: LogView): RevisionConflict | undefined {
  for (const { stream, expectedRevision } of appends) {
    const actual = log.headRevision(stream);
    if (actual !== expectedRevision) return new RevisionConflict(stream, expectedRevision, actual);
  }
  return undefined;
}

/** The stored events, if all of the append's are there under their ids right behind the expected revisions. */
function findOriginals(appends: readonly StreamAppend[], log: LogView): StoredEvent[] | undefined {
  const originals: StoredEvent[] = [];
  for (const { stream, expectedRevision, events } of appends) {
    const stored = log.eventsFrom(stream, expectedRevision + 1, events.length);
    if (stored.length < events.length || stored.some(({ id }, index) => id !== events[index]?.id)) return undefined;
    originals.push(...stored);
  }
  return originals.length > 0 ? originals : undefined;
}
