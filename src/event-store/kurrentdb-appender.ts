import { setTimeout as delay } from 'node:timers/promises';
import { ServerUnavailable } from '../server-unavailable.js';
import type { KurrentConnection } from './kurrentdb-connection.js';
import { describeFailure, KurrentRefused, meaningOf } from './kurrentdb-errors.js';
import type { KurrentNamespace } from './kurrentdb-namespace.js';
import type { KurrentReader } from './kurrentdb-reader.js';
import { KurrentRequest } from './kurrentdb-request.js';
import { pauseAfter } from './kurrentdb-retry.js';
import type { KurrentTail } from './kurrentdb-tail.js';
import { OutcomeUnknown, RevisionConflict, type StoredEvent, type StreamAppend } from './port.js';

export interface AppenderParts {
  readonly connection: KurrentConnection;
  readonly namespace: KurrentNamespace;
  readonly reader: KurrentReader;
  readonly tail: KurrentTail;
  /** Longest time for one try, in ms: longer than the client's own deadline, which is the kinder one. */
  readonly deadlineMs: number;
  /** How long the same append is sent again while its outcome is unknown, in ms. */
  readonly patienceMs: number;
}

/** How long an append waits for its events to come over the subscription before it reads them, in ms. */
const arrivalPatienceMs = 20;

/** Appends, and finds out what became of it. */
export class KurrentAppender {
  constructor(private readonly parts: AppenderParts) {}

  /** @param appends - checked: no stream twice, no event too large */
  async append(appends: readonly StreamAppend[]): Promise<StoredEvent[]> {
    if (appends.every(({ events }) => events.length === 0)) return this.#check(appends);
    const outcome = await this.#untilKnown(new KurrentRequest(appends, this.parts.namespace));
    if (!(outcome instanceof RevisionConflict)) return this.#eventsAt(outcome, appends);
    const originals = await this.#knownOrUnknown(() => this.#findOriginals(appends));
    if (originals) return originals;
    throw outcome;
  }

  /** Where nothing is written, there is nothing to be one with: each stream is looked at. */
  async #check(appends: readonly StreamAppend[]): Promise<StoredEvent[]> {
    for (const { stream, expectedRevision } of appends) {
      const [last] = await this.parts.reader.readStream(stream, { direction: 'backwards', limit: 1 });
      const actual = last?.revision ?? -1;
      if (actual !== expectedRevision) throw new RevisionConflict(stream, expectedRevision, actual);
    }
    return [];
  }

  /** @returns the position of the last event, or which stream was elsewhere: perhaps since it was written before */
  async #untilKnown(request: KurrentRequest): Promise<bigint | RevisionConflict> {
    const { connection, deadlineMs, patienceMs } = this.parts;
    const end = performance.now() + patienceMs;
    for (let tries = 1; ; tries += 1) {
      try {
        return (await connection.append(deadlineMs, (client) => request.send(client))).position;
      } catch (error) {
        // Once a stream has moved on, no try that is still under way can succeed any more.
        const conflict = request.conflictOf(error);
        if (conflict) return conflict;
        const isRefused = meaningOf(error) === 'refused';
        if (isRefused && tries === 1) throw refusal(error);
        const pause = pauseAfter(tries);
        if (isRefused || performance.now() + pause > end) throw unknown(error);
        await delay(pause);
      }
    }
  }

  /**
   * The stored events of an acknowledged append. KurrentDB tells the position of the last one only, and positions don't
   * follow each other one by one. All that is live and all that is read later must name the same position of an event,
   * so those of several events are found out: from the subscription, where this process has one, or else by reading
   * them. A single event, which most appends are, needs neither.
   */
  async #eventsAt(position: bigint, appends: readonly StreamAppend[]): Promise<StoredEvent[]> {
    const written = appends.flatMap(({ stream, expectedRevision, events }) =>
      events.map((event, index) => ({ stream, revision: expectedRevision + 1 + index, ...event })),
    );
    const [first] = written;
    // A repetition may be acknowledged without a position.
    if (position > 0n && first && written.length === 1) return [{ ...first, position }];
    const arrived = await this.parts.tail.arrivals(position, written.length, arrivalPatienceMs);
    if (arrived.length === written.length && arrived.every(({ id }, index) => id === written[index]?.id))
      return arrived;
    const stored = await this.#knownOrUnknown(() => this.#findOriginals(appends));
    if (stored) return stored;
    throw new OutcomeUnknown('KurrentDB has acknowledged an append, but its events are not where they should be.');
  }

  /** The stored events, if all of the append's are there under their ids right behind the expected revisions. */
  async #findOriginals(appends: readonly StreamAppend[]): Promise<StoredEvent[] | undefined> {
    const [first, ...others] = appends.filter(({ events }) => events.length > 0);
    if (!first) return undefined;
    // If this append is another one, its first stream shows it.
    const found = [await this.#findIn(first)];
    if (found[0]) found.push(...(await Promise.all(others.map((append) => this.#findIn(append)))));
    return found.includes(undefined) ? undefined : (found as StoredEvent[][]).flat();
  }

  async #findIn({ stream, expectedRevision, events }: StreamAppend): Promise<StoredEvent[] | undefined> {
    const limit = events.length;
    const stored = await this.parts.reader.readStream(stream, { from: expectedRevision + 1, limit });
    return stored.length === limit && stored.every(({ id }, index) => id === events[index]?.id) ? stored : undefined;
  }

  async #knownOrUnknown<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (error instanceof ServerUnavailable) throw unknown(error);
      throw error;
    }
  }
}

function refusal(error: unknown): Error {
  return new KurrentRefused(`KurrentDB refuses an append: ${describeFailure(error)}`, { cause: error });
}

function unknown(error: unknown): OutcomeUnknown {
  return new OutcomeUnknown(`KurrentDB can't tell what was appended: ${describeFailure(error)}`, { cause: error });
}
