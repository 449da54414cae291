import type { EventMetadata } from '../../domain/event.js';
import type { Codec } from './codec.js';
import { hashEvent } from './hash.js';
import type { StoredEvent } from './port.js';

/** Something wrong in the log. */
export interface Finding {
  readonly problem: 'position-not-rising' | 'revision-gap' | 'hash-mismatch' | 'undecodable';
  readonly stream: string;
  readonly revision: number;
  readonly position: bigint;
  readonly detail: string;
}

interface StreamHead {
  revision: number;
  hash: string;
}

/**
 * Reads a log and reports what is wrong in it: positions that don't rise, revisions that don't follow each other, events
 * that are not those that the next one of their stream names by hash, and events that can't be decoded. The last event
 * of each stream is named by none, so that its loss or change can't be noticed here.
 */
export async function* verifyLog(
  pages: AsyncIterable<readonly StoredEvent[]> | Iterable<readonly StoredEvent[]>,
  codec: Pick<Codec, 'decode'>,
): AsyncGenerator<Finding, void, undefined> {
  const heads = new Map<string, StreamHead>();
  let position = 0n;
  for await (const page of pages) {
    for (const event of page) {
      if (event.position <= position) {
        yield finding('position-not-rising', event, `position ${event.position} comes after ${position}`);
      }
      position = event.position;
      yield* checkAgainstHead(event, heads);
    }
    yield* checkDecoding(page, codec);
  }
}

function* checkAgainstHead(event: StoredEvent, heads: Map<string, StreamHead>): Generator<Finding> {
  const head = heads.get(event.stream) ?? { revision: -1, hash: '' };
  if (event.revision !== head.revision + 1) {
    yield finding('revision-gap', event, `revision ${event.revision} comes after ${head.revision}`);
  } else if (prevHashOf(event) !== head.hash) {
    const before = head.revision < 0 ? 'nothing comes before it' : `the event at revision ${head.revision} is another`;
    yield finding('hash-mismatch', event, `its prevHash does not fit: ${before}`);
  }
  heads.set(event.stream, { revision: event.revision, hash: hashEvent(event) });
}

async function* checkDecoding(events: readonly StoredEvent[], codec: Pick<Codec, 'decode'>): AsyncGenerator<Finding> {
  if ((await decodingError(events, codec)) === undefined) return;
  for (const event of events) {
    const error = await decodingError([event], codec);
    if (error !== undefined) yield finding('undecodable', event, error);
  }
}

async function decodingError(
  events: readonly StoredEvent[],
  codec: Pick<Codec, 'decode'>,
): Promise<string | undefined> {
  try {
    await codec.decode(events);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** @returns undefined if the metadata can't be read, which decoding reports */
function prevHashOf(event: StoredEvent): string | undefined {
  try {
    return (JSON.parse(event.metadata) as EventMetadata).prevHash;
  } catch {
    return undefined;
  }
}

function finding(problem: Finding['problem'], event: StoredEvent, detail: string): Finding {
  return { problem, stream: event.stream, revision: event.revision, position: event.position, detail };
}
