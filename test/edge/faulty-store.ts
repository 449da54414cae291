import type {
  EventStore,
  FollowOptions,
  ReadStreamOptions,
  StoredEvent,
  StreamAppend,
} from '../../src/event-store/port.js';

/** An event store whose reads of streams can be held up, or all of whose reads fail. */
export class FaultyStore implements EventStore {
  failing = false;
  /** Number of reads of streams that wait. */
  waiting = 0;
  /** Number of events that were read from streams. */
  eventsRead = 0;
  #gate: Promise<void> = Promise.resolve();

  constructor(private readonly store: EventStore) {}

  /** Reads of streams wait from now on, until the function returned is called. */
  hold(): () => void {
    let release = () => {};
    this.#gate = new Promise((resolve) => {
      release = resolve;
    });
    return release;
  }

  async readStream(stream: string, options: ReadStreamOptions): Promise<StoredEvent[]> {
    this.waiting += 1;
    await this.#gate;
    this.waiting -= 1;
    if (this.failing) throw new Error('the store fails');
    const events = await this.store.readStream(stream, options);
    this.eventsRead += events.length;
    return events;
  }

  async readAll(after: bigint, limit: number): Promise<StoredEvent[]> {
    if (this.failing) throw new Error('the store fails');
    return this.store.readAll(after, limit);
  }

  append(appends: readonly StreamAppend[]): Promise<StoredEvent[]> {
    return this.store.append(appends);
  }

  follow(options: FollowOptions): AsyncIterable<readonly StoredEvent[]> {
    return this.store.follow(options);
  }

  head(): Promise<bigint> {
    return this.store.head();
  }

  close(): Promise<void> {
    return this.store.close();
  }
}
