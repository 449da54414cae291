import type { StoredEvent } from './port.js';

const maxEvents = 2_048;
/** In UTF-16 units of data and metadata. */
const maxSize = 8 * 1024 * 1024;

/**
 * The latest events, as this process has them in memory: who follows the log closely gets them without reading them
 * back. Always a stretch of the log without gaps; an event that does not follow the one before begins a new one.
 */
export class RecentEvents {
  private events: StoredEvent[] = [];
  /** Index of the first event kept; those before it are cut off now and then, not one by one. */
  private start = 0;
  private size = 0;
  private begin = 0n;

  /** Position behind which the stretch has every event. */
  get after(): bigint {
    return this.begin;
  }

  /**
   * Adds an event; it may be one whose commit is still under way, if readers give `through` the head.
   * @param previous - position of the event before it in the log
   */
  push(event: StoredEvent, previous: bigint): void {
    if (this.events.at(-1)?.position !== previous) this.clear(previous);
    this.events.push(event);
    this.size += sizeOf(event);
    this.forgetOldest();
  }

  /** Forgets everything: the stretch begins behind a position. */
  clear(after: bigint): void {
    this.events = [];
    this.start = 0;
    this.size = 0;
    this.begin = after;
  }

  /** The events after a position up to and with `through`, at most `limit`; none if the stretch begins later. */
  between(position: bigint, through: bigint, limit: number): StoredEvent[] {
    if (position < this.begin) return [];
    const from = this.firstAfter(position);
    return this.events.slice(from, Math.min(this.firstAfter(through), from + limit));
  }

  /** At most so many events, up to and with the one at a position; none if that is not there. */
  endingAt(position: bigint, count: number): StoredEvent[] {
    const end = this.firstAfter(position);
    const found = this.events.slice(Math.max(this.start, end - count), end);
    return found.at(-1)?.position === position ? found : [];
  }

  /** Index of the first event after a position. */
  private firstAfter(position: bigint): number {
    let low = this.start;
    let high = this.events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.events[middle] as StoredEvent).position > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  private forgetOldest(): void {
    while (this.events.length - this.start > maxEvents || this.size > maxSize) {
      const oldest = this.events[this.start] as StoredEvent;
      this.size -= sizeOf(oldest);
      this.begin = oldest.position;
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
