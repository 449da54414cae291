import {
  type AllStreamResolvedEvent,
  BACKWARDS,
  END,
  FORWARDS,
  type KurrentDBClient,
  type ResolvedEvent,
  START,
  StreamDeletedError,
  StreamNotFoundError,
} from '@kurrent/kurrentdb-client';
import { ServerUnavailable } from '../server-unavailable.js';
import type { KurrentConnection } from './kurrentdb-connection.js';
import { describeFailure, KurrentRefused, meaningOf } from './kurrentdb-errors.js';
import { fromKurrentEvent } from './kurrentdb-events.js';
import type { KurrentNamespace } from './kurrentdb-namespace.js';
import { type Patience, untilAnswered } from './kurrentdb-retry.js';
import type { ReadStreamOptions, StoredEvent } from './port.js';

/**
 * Most events of one call. Calls are always read to their end: leaving large ones early makes later ones wait for
 * seconds.
 */
const pageSize = 500;
/** How long the server may not answer, in ms. */
const deadlineMs = 5_000;
/** So often must a position fail that the rest of the log does not, until it is the position that is wrong. */
const doubtsUntilCertain = 3;

type Events = AsyncIterable<ResolvedEvent | AllStreamResolvedEvent>;
type Read = (client: KurrentDBClient) => Events;

/** Reads our streams. Asks the leader, so that what was acknowledged is seen. */
export class KurrentReader {
  constructor(
    private readonly connection: KurrentConnection,
    private readonly namespace: KurrentNamespace,
    /** With reads of a stream. */
    private readonly patience: Patience,
  ) {}

  /** Reads what there is in any log, at once. */
  async probe(): Promise<void> {
    await this.#patiently(() => this.#read(firstEvent));
  }

  async readStream(stream: string, { from, direction, limit }: ReadStreamOptions): Promise<StoredEvent[]> {
    const step = direction === 'backwards' ? -1 : 1;
    const events: StoredEvent[] = [];
    for (let next = from; events.length < limit; ) {
      const maxCount = Math.min(pageSize, limit - events.length);
      const page = await this.#streamPage(stream, next, step, maxCount);
      if (step === 1) assertWhole(stream, next ?? 0, page);
      events.push(...page);
      if (page.length < maxCount) break;
      next = (page.at(-1) as StoredEvent).revision + step;
      if (next < 0) break;
    }
    return events;
  }

  async readAll(after: bigint, limit: number, patience: Patience): Promise<StoredEvent[]> {
    const events: StoredEvent[] = [];
    for (let position = after; events.length < limit; ) {
      const maxCount = Math.min(pageSize, limit - events.length);
      const page = await this.#logPage(position, maxCount, patience);
      events.push(...page);
      if (page.length < maxCount) break;
      position = (page.at(-1) as StoredEvent).position;
    }
    return events;
  }

  async head(patience: Patience): Promise<bigint> {
    const [last] = await this.#patiently(() => this.#search(lastEvent(this.namespace), patience), patience);
    return last?.position ?? 0n;
  }

  #streamPage(stream: string, from: number | undefined, step: 1 | -1, maxCount: number): Promise<StoredEvent[]> {
    const backwards = step === -1;
    const fromRevision = from === undefined ? (backwards ? END : START) : BigInt(from);
    const direction = backwards ? BACKWARDS : FORWARDS;
    const options = { fromRevision, direction, maxCount, requiresLeader: true } as const;
    return this.#patiently(() => this.#read((client) => client.readStream(this.namespace.nameOf(stream), options)));
  }

  /** The event at `position` comes with it, since reads begin with where they begin. */
  async #logPage(position: bigint, maxCount: number, patience: Patience): Promise<StoredEvent[]> {
    const { filter } = this.namespace;
    const fromPosition = position === 0n ? START : { commit: position, prepare: position };
    const options = {
      fromPosition,
      direction: FORWARDS,
      maxCount: maxCount + 1,
      filter,
      requiresLeader: true,
    } as const;
    const doubt = new PositionDoubt(position, () => this.#read(firstEvent));
    const page = await this.#patiently(
      () => doubt.around(() => this.#search((client) => client.readAll(options), patience)),
      patience,
    );
    return page.filter((event) => event.position > position).slice(0, maxCount);
  }

  /** One try. */
  #read(read: Read): Promise<StoredEvent[]> {
    return this.connection.read(deadlineMs, (client) => this.#eventsOf(read(client)));
  }

  /** One try at what may lie behind much that others have written, which the server has to pass by. */
  #search(read: Read, { assertWanted, signal }: Patience): Promise<StoredEvent[]> {
    return this.connection.search(
      deadlineMs,
      (client) => this.#eventsOf(read(client)),
      async (client) => {
        assertWanted?.();
        if (signal?.aborted) throw new KurrentRefused('nobody waits for it any more');
        await this.#eventsOf(firstEvent(client));
      },
    );
  }

  async #eventsOf(read: Events): Promise<StoredEvent[]> {
    const events: StoredEvent[] = [];
    try {
      for await (const { event } of read) {
        if (event) events.push(fromKurrentEvent(event, this.namespace.streamOf(event.streamId)));
      }
    } catch (error) {
      if (error instanceof StreamNotFoundError) return [];
      if (error instanceof StreamDeletedError) throw new KurrentRefused('a stream of ours was deleted in KurrentDB');
      throw error;
    }
    return events;
  }

  async #patiently(read: () => Promise<StoredEvent[]>, patience = this.patience): Promise<StoredEvent[]> {
    try {
      return await untilAnswered(read, patience);
    } catch (error) {
      patience.assertWanted?.();
      if (patience.signal?.aborted) return [];
      if (error instanceof KurrentRefused) throw error;
      throw new ServerUnavailable(`KurrentDB at ${this.connection.place} can't be read: ${describeFailure(error)}`, {
        cause: error,
      });
    }
  }
}

/** A stream that is deleted softly or bounded keeps its numbers, and is read from its first event that is left. */
function assertWhole(stream: string, from: number, [first]: readonly StoredEvent[]): void {
  if (first === undefined || first.revision === from) return;
  throw new KurrentRefused(
    `KurrentDB has no events ${from} to ${first.revision - 1} of ${stream} any more: it was deleted there, or bounded by its metadata.`,
  );
}

function lastEvent({ filter }: KurrentNamespace): Read {
  const options = { fromPosition: END, direction: BACKWARDS, maxCount: 1, filter, requiresLeader: true } as const;
  return (client) => client.readAll(options);
}

/** Whoever's it is. */
const firstEvent: Read = (client) =>
  client.readAll({ fromPosition: START, direction: FORWARDS, maxCount: 1, requiresLeader: true });

/** KurrentDB answers a read from a place where no event begins as if it could not be reached. */
class PositionDoubt {
  #doubts = 0;

  constructor(
    private readonly position: bigint,
    private readonly readElsewhere: () => Promise<unknown>,
  ) {}

  async around<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (this.position === 0n || meaningOf(error) !== 'disconnected') throw error;
      await this.readElsewhere();
      this.#doubts += 1;
      if (this.#doubts < doubtsUntilCertain) throw error;
      throw new KurrentRefused(
        `No event of KurrentDB is at position ${this.position}: it is of another log, as are the read models that name it.`,
      );
    }
  }
}
