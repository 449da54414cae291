/**
 * The event store: an append-only log of streams. It keeps bytes it does not understand; what they mean is the codec's
 * business (`codec.ts`).
 */

/** An event as the store keeps it: encoded, personal fields sealed. */
export interface EncodedEvent {
  /** UUIDv7, made once. */
  readonly id: string;
  readonly type: string;
  /** JSON text. */
  readonly data: string;
  /** JSON text of a flat map of strings, its keys sorted. */
  readonly metadata: string;
}

export interface StoredEvent extends EncodedEvent {
  readonly stream: string;
  /** Place in the stream: from 0, no gaps. */
  readonly revision: number;
  /** Place in the whole log, strictly rising. */
  readonly position: bigint;
}

/**
 * Events for one stream, to be appended only if the stream's last event is at `expectedRevision` (-1: no events yet).
 * Without events it only checks that.
 */
export interface StreamAppend {
  readonly stream: string;
  readonly expectedRevision: number;
  readonly events: readonly EncodedEvent[];
}

export interface ReadStreamOptions {
  /** First revision to read; without it, the first or (backwards) the last event. */
  readonly from?: number;
  readonly direction?: 'forwards' | 'backwards';
  readonly limit: number;
}

export interface FollowOptions {
  /** Only events after this position; 0n is the beginning. */
  readonly after: bigint;
  readonly signal: AbortSignal;
  /** Most events of one page; 500 unless told. */
  readonly pageSize?: number;
}

/** Where the log is a server's, reading throws `ServerUnavailable` while that can't be reached; following goes on. */
export interface EventStore {
  /**
   * Appends all events of all streams, or none; each stream is named once. Durable once it resolves. Sending an identical append again
   * (same ids, same expected revisions) after an unknown outcome resolves to the original result.
   * @returns the stored events, in the order given: stream after stream
   * @throws {RevisionConflict} if a stream is not at its expected revision; nothing was written
   * @throws {OutcomeUnknown} if it can't be known whether the events were written
   * @throws {EventTooLarge} if an event is over 256 KiB; nothing was written
   */
  append(appends: readonly StreamAppend[]): Promise<StoredEvent[]>;
  /** Events of one stream in the order asked for; none if there is no such stream. */
  readStream(stream: string, options: ReadStreamOptions): Promise<StoredEvent[]>;
  /** Events after a position, in log order. */
  readAll(after: bigint, limit: number): Promise<StoredEvent[]>;
  /**
   * Pages of events after a position, in log order without gaps: those already there, then as they are appended, by
   * this process or another. Ends when the signal is aborted.
   */
  follow(options: FollowOptions): AsyncIterable<readonly StoredEvent[]>;
  /** Position of the last event; 0n when there is none. */
  head(): Promise<bigint>;
  /** Why the log's server does not answer at the moment; undefined where it does, or where there is none. */
  readonly fault?: string | undefined;
  close(): Promise<void>;
}

/** Largest event, data and metadata together, in bytes of UTF-8. */
export const maxEventBytes = 256 * 1024;

export class RevisionConflict extends Error {
  constructor(
    readonly stream: string,
    readonly expectedRevision: number,
    /** Revision of the stream's last event, -1 if it has none. */
    readonly actualRevision: number,
  ) {
    super(`${stream} is at revision ${actualRevision}, not ${expectedRevision}`);
  }
}

export { OutcomeUnknown } from '../outcome-unknown.js';

/** An event is not behind the one that it was appended behind: nothing is decided on what may not be true. */
export class LogDamaged extends Error {
  constructor({ stream, revision, position }: Pick<StoredEvent, 'stream' | 'revision' | 'position'>) {
    super(
      `The event log is damaged: ${stream} revision ${revision}, position ${position}, does not fit what is before it. ` +
        'Run `parley verify`, and restore the log from a backup.',
    );
  }
}

export class EventTooLarge extends Error {
  constructor(readonly bytes: number) {
    super(`an event of ${bytes} bytes is over the limit of ${maxEventBytes}`);
  }
}
