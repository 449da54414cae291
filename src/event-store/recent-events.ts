import type { StoredEvent } from './port.js';

const maxEvents = 2_048;
/** In UTF-16 units of data and metadata. */
const maxSize = 8 * 1024 * 1024;

/**
 * The latest events of this process, as the objects that the appends returned: who follows the log closely gets them
 * without reading them back, and the codec knows them. Always a stretch of the log without gaps; an event of another
 * process in between begins a new one.
 *
 * Positions must follow each other one by one for that, as SQLite's row ids of a table that only grows do.
 */
export class RecentEvents {
  private events: StoredEvent[] = [];
  /** Index of the first event kept; those before it are cut off now and then, not one by one. */
  private start = 0;
  private size = 0;

  /** Adds an event of this process; it may be one whose commit is still under way, if readers give `after` the head. */
  push(event: StoredEvent): void {
    const last = this.events.at(-1);
    if (last && event.position !== last.position + 1n) this.clear();
    this.events.push(event);
    this.size += sizeOf(event);
    this.forgetOldest();
  }

  /** The events after a position up to and with `through`, at most `limit`; none if the stretch begins later. */
  after(position: bigint, through: bigint, limit: number): StoredEvent[] {
    const first = this.events[this.start];
    if (!first || position + 1n < first.position) return [];
    const from = this.start + Number(position + 1n - first.position);
    const to = this.start + Number(through + 1n - first.position);
    return this.events.slice(from, Math.min(to, from + limit));
  }

  private clear(): void {
    this.events = [];
    this.start = 0;
    this.size = 0;
  }

  private forgetOldest(): void {
    while (this.events.length - this.start > maxEvents || this.size > maxSize) {
      this.size -= sizeOf(this.events[this.start] as StoredEvent);
      this.start += 1;
    }
    if (this.start < maxEvents) return;
    this.events = this.events.slice(this.start);
    this.start = 0;
  }
}

function sizeOf({ data, metadata }: StoredEvent): number {
  return data.length + metadata.length;
}
