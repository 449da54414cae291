import type { Projection } from '../../projections/projection.js';
import type { Codec } from '../event-store/codec.js';
import type { EventStore, StoredEvent } from '../event-store/port.js';
import { type Finding as LogFinding, verifyLog } from '../event-store/verify.js';
import type { ReadStore } from '../read-store/port.js';

/** A read model that holds more than the log. */
export interface CheckpointFinding {
  readonly problem: 'checkpoint-ahead';
  readonly projection: string;
  readonly position: bigint;
  readonly detail: string;
}

/** What is in a file is not what was written. */
export interface DamageFinding {
  readonly problem: 'damaged-file';
  readonly file: string;
  readonly detail: string;
}

export type Finding = LogFinding | CheckpointFinding | DamageFinding;

export interface VerificationOptions {
  readonly eventStore: Pick<EventStore, 'readAll' | 'head'>;
  readonly codec: Pick<Codec, 'decode'>;
  readonly readStore: Pick<ReadStore, 'liveCheckpoint'>;
  readonly projections: readonly Projection[];
  readonly signal?: AbortSignal;
  /** Told after each page: events read so far, and the position reached. */
  readonly onProgress?: (events: number, position: bigint) => void;
}

export interface Verification {
  readonly events: number;
  readonly streams: number;
  /** Position of the last event. */
  readonly head: bigint;
  readonly findings: readonly Finding[];
}

const pageSize = 1_000;

/** Reads everything up to the head that the log has now, and compares the read models' checkpoints with it. */
export async function verifyHistory(options: VerificationOptions): Promise<Verification> {
  // Before the head is read, since both go on growing.
  const checkpoints = await readCheckpoints(options);
  const head = await options.eventStore.head();
  const streams = new Set<string>();
  let events = 0;
  const pages = counted(options, head, (page) => {
    events += page.length;
    for (const { stream } of page) streams.add(stream);
  });
  const findings: Finding[] = [];
  for await (const finding of verifyLog(pages, options.codec)) findings.push(finding);
  findings.push(...checkpoints.flatMap(({ projection, position }) => findAhead(projection, position, head)));
  return { events, streams: streams.size, head, findings };
}

async function* counted(
  { eventStore, signal, onProgress }: VerificationOptions,
  head: bigint,
  count: (page: readonly StoredEvent[]) => void,
): AsyncGenerator<readonly StoredEvent[], void, undefined> {
  let events = 0;
  for (let position = 0n; position < head; ) {
    signal?.throwIfAborted();
    const page = await eventStore.readAll(position, pageSize);
    const last = page.at(-1);
    if (!last) return;
    yield page;
    count(page);
    events += page.length;
    position = last.position;
    onProgress?.(events, position);
  }
}

async function readCheckpoints({ readStore, projections }: VerificationOptions) {
  return Promise.all(
    projections.map(async ({ name }) => ({ projection: name, position: await readStore.liveCheckpoint(name) })),
  );
}

function findAhead(projection: string, position: bigint, head: bigint): CheckpointFinding[] {
  if (position <= head) return [];
  const detail = `the read model is at position ${position}, but the log ends at ${head}`;
  return [{ problem: 'checkpoint-ahead', projection, position, detail }];
}
