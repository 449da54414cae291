import {
  AppendConsistencyViolationError,
  type AppendRecordInput,
  type AppendStreamRequest,
  type ConsistencyCheck,
  type KurrentDBClient,
  type MultiAppendResult,
  NO_STREAM,
  STREAM_STATE,
  WrongExpectedVersionError,
} from '@kurrent/kurrentdb-client';
import { KurrentRefused } from './kurrentdb-errors.js';
import { toKurrentEvent } from './kurrentdb-events.js';
import type { KurrentNamespace } from './kurrentdb-namespace.js';
import { RevisionConflict, type StreamAppend } from './port.js';

/**
 * An append as KurrentDB's client takes it. It is made once and sent again as it is, since the server knows a repetition
 * by the same ids at the same expected revisions: recomputed, it would be stored twice. `ANY` is no expected state here
 * for the same reason. `appendToStream` is not used: it fails all appends in flight when one message is too large, and
 * its deadline is the server's.
 */
export class KurrentRequest {
  readonly #send: (client: KurrentDBClient) => Promise<MultiAppendResult>;

  constructor(
    private readonly appends: readonly StreamAppend[],
    private readonly namespace: KurrentNamespace,
  ) {
    this.#send = appends.every(({ events }) => events.length > 0) ? this.#asStreams() : this.#asRecords();
  }

  /** Takes place at the server as a whole or not at all. */
  send(client: KurrentDBClient): Promise<MultiAppendResult> {
    return this.#send(client);
  }

  /** @returns undefined if the error is about something else */
  conflictOf(error: unknown): RevisionConflict | undefined {
    const found = error instanceof AppendConsistencyViolationError ? error.violations[0] : error;
    if (!found || !(error instanceof AppendConsistencyViolationError || found instanceof WrongExpectedVersionError)) {
      return undefined;
    }
    const { streamName, actualState } = found as Pick<WrongExpectedVersionError, 'streamName' | 'actualState'>;
    const stream = this.namespace.streamOf(streamName);
    const actual = actualState === NO_STREAM ? -1 : Number(actualState);
    // Beyond these, numbers stand for streams that were deleted.
    if (actual < -1 || !Number.isSafeInteger(actual)) throw new KurrentRefused(`${stream} was deleted in KurrentDB`);
    const expected = this.appends.find((append) => append.stream === stream)?.expectedRevision ?? -1;
    return new RevisionConflict(stream, expected, actual);
  }

  #asStreams() {
    const requests = this.appends.map(
      ({ stream, expectedRevision, events }): AppendStreamRequest => ({
        streamName: this.namespace.nameOf(stream),
        expectedState: stateAt(expectedRevision),
        events: events.map(toKurrentEvent),
      }),
    );
    return (client: KurrentDBClient) => client.multiStreamAppend(requests);
  }

  /** The form that can check a stream without writing to it. */
  #asRecords() {
    const records: AppendRecordInput[] = [];
    const checks: ConsistencyCheck[] = [];
    for (const { stream, expectedRevision, events } of this.appends) {
      const streamName = this.namespace.nameOf(stream);
      checks.push({ type: STREAM_STATE, streamName, expectedState: stateAt(expectedRevision) });
      for (const event of events) records.push({ streamName, record: toKurrentEvent(event) });
    }
    return (client: KurrentDBClient) => client.appendRecords(records, checks);
  }
}

function stateAt(revision: number): bigint | typeof NO_STREAM {
  return revision === -1 ? NO_STREAM : BigInt(revision);
}
