import { setTimeout as delay } from 'node:timers/promises';
import { type EventStore, type FollowOptions, OutcomeUnknown, type StoredEvent } from '../../src/event-store/port.js';
import type { Generation, ReadStore } from '../../src/read-store/port.js';

/** A log that hands out events more than once: each page begins with some that were in the one before. */
export function stuttering(eventStore: EventStore, repeated: number): EventStore {
  return withFollow(eventStore, (options) => stutter(eventStore, options, repeated));
}

export function withFollow(eventStore: EventStore, follow: EventStore['follow']): EventStore {
  return {
    append: (appends) => eventStore.append(appends),
    readStream: (stream, options) => eventStore.readStream(stream, options),
    readAll: (after, limit) => eventStore.readAll(after, limit),
    follow,
    head: () => eventStore.head(),
    close: () => eventStore.close(),
  };
}

async function* stutter(eventStore: EventStore, options: FollowOptions, repeated: number) {
  let before: readonly StoredEvent[] = [];
  for await (const page of eventStore.follow(options)) {
    yield [...before.slice(before.length - repeated), ...page];
    before = page;
  }
}

export type WriteFault = 'none' | 'refused' | 'written, but its answer is lost';

/** A read store whose writes fail as `next` says. */
export function failing(readStore: ReadStore, next: (generation: Generation) => WriteFault): ReadStore {
  return withWrite(readStore, (...write) => failingWrite(readStore, next(write[0]), write));
}

/** A read store that takes its time to write, ms. */
export function slow(readStore: ReadStore, ms: number): ReadStore {
  return withWrite(readStore, async (...write) => {
    await delay(ms);
    await readStore.write(...write);
  });
}

function withWrite(readStore: ReadStore, write: ReadStore['write']): ReadStore {
  return {
    open: (projection) => readStore.open(projection),
    begin: (projection) => readStore.begin(projection),
    promote: (generation) => readStore.promote(generation),
    discard: (generation) => readStore.discard(generation),
    discardUnfinished: (projection) => readStore.discardUnfinished(projection),
    checkpoint: (generation) => readStore.checkpoint(generation),
    load: (generation, collection, ids) => readStore.load(generation, collection, ids),
    idsNaming: (...query) => readStore.idsNaming(...query),
    write,
    put: (generation, writes) => readStore.put(generation, writes),
    dump: (generation) => readStore.dump(generation),
    read: (body) => readStore.read(body),
    liveCheckpoint: (projection) => readStore.liveCheckpoint(projection),
    close: () => readStore.close(),
  };
}

async function failingWrite(
  readStore: ReadStore,
  fault: WriteFault,
  write: Parameters<ReadStore['write']>,
): Promise<void> {
  if (fault === 'refused') throw new Error('the disk is full');
  await readStore.write(...write);
  if (fault !== 'none') throw new OutcomeUnknown('the answer was lost');
}
