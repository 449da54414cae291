import { checkAppends, judgeAppend, type LogView } from './append.js';
import { followLog } from './follow.js';
import { HeadWatch } from './head-watch.js';
import type { EventStore, FollowOptions, ReadStreamOptions, StoredEvent, StreamAppend } from './port.js';

/** A log in memory, for tests. It outlives the stores that are opened over it. */
export class MemoryLog implements LogView {
  private readonly events: StoredEvent[] = [];
  private readonly streams = new Map<string, StoredEvent[]>();
  readonly watch = new HeadWatch(() => this.head());

  head(): bigint {
    return BigInt(this.events.length);
  }

  headRevision(stream: string): number {
    return (this.streams.get(stream)?.length ?? 0) - 1;
  }

  eventsFrom(stream: string, revision: number, limit: number): StoredEvent[] {
    return this.streams.get(stream)?.slice(revision, revision + limit) ?? [];
  }

  eventsThrough(stream: string, revision: number, limit: number): StoredEvent[] {
    const through = this.streams.get(stream)?.slice(0, revision + 1) ?? [];
    return through.reverse().slice(0, limit);
  }

  eventsAfter(position: bigint, limit: number): StoredEvent[] {
    return this.events.slice(Number(position), Number(position) + limit);
  }

  write({ stream, events }: StreamAppend): StoredEvent[] {
    const inStream = this.streams.get(stream) ?? [];
    this.streams.set(stream, inStream);
    return events.map(({ id, type, data, metadata }) => {
      const position = this.head() + 1n;
      const event = { id, type, data, metadata, stream, revision: inStream.length, position };
      inStream.push(event);
      this.events.push(event);
      return event;
    });
  }
}

export function memoryEventStore(log = new MemoryLog()): EventStore {
  return new MemoryEventStore(log);
}

class MemoryEventStore implements EventStore {
  private closed = false;

  constructor(private readonly log: MemoryLog) {}

  async append(appends: readonly StreamAppend[]): Promise<StoredEvent[]> {
    this.assertOpen();
    checkAppends(appends);
    const verdict = judgeAppend(appends, this.log);
    if (verdict.kind === 'conflict') throw verdict.conflict;
    if (verdict.kind === 'repeated') return verdict.events;
    const stored = appends.flatMap((append) => this.log.write(append));
    this.log.watch.look();
    return stored;
  }

  async readStream(stream: string, { from, direction, limit }: ReadStreamOptions): Promise<StoredEvent[]> {
    this.assertOpen();
    return direction === 'backwards'
      ? this.log.eventsThrough(stream, from ?? Number.MAX_SAFE_INTEGER, limit)
      : this.log.eventsFrom(stream, from ?? 0, limit);
  }

  async readAll(after: bigint, limit: number): Promise<StoredEvent[]> {
    this.assertOpen();
    return this.log.eventsAfter(after, limit);
  }

  follow(options: FollowOptions): AsyncIterable<readonly StoredEvent[]> {
    return followLog(
      { readAll: this.readAll.bind(this), beyond: (after, signal) => this.log.watch.beyond(after, signal) },
      options,
    );
  }

  async head(): Promise<bigint> {
    this.assertOpen();
    return this.log.head();
  }

  async close(): Promise<void> {
    this.closed = true;
    this.log.watch.wakeAll();
  }

  private assertOpen(): void {
    if (this.closed) throw new Error('the event store is closed');
  }
}
