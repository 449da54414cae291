import { ServerUnavailable } from '../server-unavailable.js';
import { checkAppends } from './append.js';
import { followLog } from './follow.js';
import type { KurrentAddress } from './kurrentdb-address.js';
import { KurrentAppender } from './kurrentdb-appender.js';
import { KurrentConnection } from './kurrentdb-connection.js';
import { inspectKurrent } from './kurrentdb-inspection.js';
import { KurrentNamespace } from './kurrentdb-namespace.js';
import { KurrentReader } from './kurrentdb-reader.js';
import type { Patience } from './kurrentdb-retry.js';
import { KurrentTail } from './kurrentdb-tail.js';
import type { EventStore, FollowOptions, ReadStreamOptions, StoredEvent, StreamAppend } from './port.js';

export interface KurrentEventStoreOptions {
  /** Told at the start what an older server can't do, and later when it does not answer. */
  readonly onWarning?: (message: string) => void;
  /**
   * How long a call goes on while the server does not answer, in ms; 8,000 unless told, so that a server that is
   * restarted is waited for, and all is finished within the time that a process has to stop.
   */
  readonly patienceMs?: number;
  /** How often the subscription is compared with the log, in ms; 2,000 unless told. */
  readonly beatMs?: number;
}

const defaultPatienceMs = 8_000;
/** The client's own deadline should be the first to pass. */
const marginMs = 500;

/**
 * Opens our part of the log of a KurrentDB. Any number of processes may have it open.
 * @throws {ServerUnavailable} if it can't be reached, does not let us in, or is too old
 */
export async function openKurrentEventStore(
  address: KurrentAddress,
  options: KurrentEventStoreOptions = {},
): Promise<EventStore> {
  const store = new KurrentEventStore(address, options);
  try {
    // A client that has read once reads again after the server was away; one that has not never does.
    await store.probe();
    await refuseOld(address, options.onWarning);
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function refuseOld(address: KurrentAddress, onWarning: (message: string) => void = () => {}): Promise<void> {
  const { version, lacks, isUsable } = await inspectKurrent(address);
  if (lacks.length === 0) return;
  const message = `KurrentDB ${version} at ${address.place} lacks ${lacks.join(' and ')}.`;
  if (!isUsable) throw new ServerUnavailable(`${message} Parley can't work with it.`);
  onWarning(message);
}

class KurrentEventStore implements EventStore {
  readonly #connection: KurrentConnection;
  readonly #reader: KurrentReader;
  readonly #tail: KurrentTail;
  readonly #appender: KurrentAppender;
  /** For what may take long, and nobody waits for once the store is closed. */
  readonly #searching: Patience;
  readonly #appending = new Set<Promise<unknown>>();
  readonly #assertOpen = () => {
    if (this.#closed) throw new Error('the event store is closed');
  };
  #closed = false;

  constructor(
    address: KurrentAddress,
    { onWarning = () => {}, patienceMs = defaultPatienceMs, beatMs }: KurrentEventStoreOptions,
  ) {
    this.#searching = { forMs: patienceMs, assertWanted: this.#assertOpen };
    const namespace = new KurrentNamespace(address.namespace);
    const connection = new KurrentConnection(address, onWarning);
    // Appends that are under way when the store is closed may still read.
    const reader = new KurrentReader(connection, namespace, { forMs: patienceMs });
    const head = () => reader.head({ ...this.#searching, forMs: 0 });
    const tail = new KurrentTail({ connection, namespace, head, ...(beatMs !== undefined && { beatMs }) });
    const deadlineMs = address.deadlineMs + marginMs;
    this.#appender = new KurrentAppender({ connection, namespace, reader, tail, deadlineMs, patienceMs });
    this.#connection = connection;
    this.#reader = reader;
    this.#tail = tail;
  }

  /** @throws {ServerUnavailable} */
  async probe(): Promise<void> {
    await this.#reader.probe();
  }

  get fault(): string | undefined {
    return this.#connection.fault;
  }

  async append(appends: readonly StreamAppend[]): Promise<StoredEvent[]> {
    this.#assertOpen();
    checkAppends(appends);
    const appending = this.#appender.append(appends);
    this.#appending.add(appending);
    try {
      return await appending;
    } finally {
      this.#appending.delete(appending);
    }
  }

  async readStream(stream: string, options: ReadStreamOptions): Promise<StoredEvent[]> {
    this.#assertOpen();
    return this.#reader.readStream(stream, options);
  }

  async readAll(after: bigint, limit: number): Promise<StoredEvent[]> {
    this.#assertOpen();
    return this.#reader.readAll(after, limit, this.#searching);
  }

  async *follow(options: FollowOptions): AsyncGenerator<readonly StoredEvent[], void, undefined> {
    const patience = { ...this.#searching, forMs: Number.POSITIVE_INFINITY, signal: options.signal };
    this.#tail.join();
    try {
      yield* followLog(
        {
          readAll: (after, limit) => this.#next(after, limit, patience),
          beyond: (after, signal) => this.#tail.beyond(after, signal),
        },
        options,
      );
    } finally {
      this.#tail.leave();
    }
  }

  /** What is at hand of the log's live end, or else a page of the log. */
  async #next(after: bigint, limit: number, patience: Patience): Promise<StoredEvent[]> {
    this.#assertOpen();
    const atHand = this.#tail.after(after, limit);
    return atHand.length > 0 || this.#tail.covers(after) ? atHand : this.#reader.readAll(after, limit, patience);
  }

  async head(): Promise<bigint> {
    this.#assertOpen();
    return this.#reader.head(this.#searching);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#tail.close();
    await Promise.allSettled(this.#appending);
    await this.#connection.close();
  }
}
