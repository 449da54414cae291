import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type EncodedEvent,
  type EventStore,
  EventTooLarge,
  maxEventBytes,
  OutcomeUnknown,
  RevisionConflict,
  type StoredEvent,
  type StreamAppend,
} from '../../src/event-store/port.js';

/** One log, over which several stores may be open, as by several processes. */
export interface LogUnderTest {
  open(): Promise<EventStore>;
  /** One that soon gives up what is not answered. */
  openHasty?(): Promise<EventStore>;
  remove(): Promise<void>;
  /**
   * Ends the log's server and starts it again, or at least breaks all connections to it. Without, the log has no server:
   * its stores are closed and opened again instead.
   */
  restart?(): Promise<void>;
  /** Keeps the log from answering, where it ever does not; what comes meanwhile may be done late. */
  stall(): Promise<Stall>;
}

export interface Stall {
  /** After how long an append that was not answered has been given up, in ms; without, it waits for the end. */
  readonly givenUpAfterMs?: number;
  end(): Promise<void>;
}

let made = 0;

/** Distinct events, whose text says which they are. */
export function encodedEvents(count: number, text = 'event'): EncodedEvent[] {
  return Array.from({ length: count }, () => {
    made += 1;
    return {
      id: `00000000-0000-7000-8000-${String(made).padStart(12, '0')}`,
      type: 'tests.SomethingHappened',
      data: JSON.stringify({ text: `${text} ${made}` }),
      metadata: '{"version":"1"}',
    };
  });
}

/** Follows a log until so many events came. */
export async function followed(
  store: EventStore,
  count: number,
  after = 0n,
  pageSize?: number,
): Promise<StoredEvent[]> {
  const enough = new AbortController();
  const events: StoredEvent[] = [];
  const options = { after, signal: enough.signal, ...(pageSize && { pageSize }) };
  for await (const page of store.follow(options)) {
    events.push(...page);
    if (events.length >= count) enough.abort();
  }
  return events;
}

/** Appends, and sends the same append again as long as its outcome is unknown or the store was closed under it. */
async function appendUntilKnown(storeNow: () => EventStore, append: readonly StreamAppend[]): Promise<StoredEvent[]> {
  for (;;) {
    try {
      return await storeNow().append(append);
    } catch (error) {
      if (!(error instanceof OutcomeUnknown) && !isClosed(error)) throw error;
      await delay(10);
    }
  }
}

/** Follows until so many events came; begins again, where it was, only if the store was closed under it. */
async function followedThrough(storeNow: () => EventStore, count: number): Promise<StoredEvent[]> {
  const enough = new AbortController();
  const events: StoredEvent[] = [];
  while (events.length < count) {
    try {
      const options = { after: events.at(-1)?.position ?? 0n, signal: enough.signal, pageSize: 7 };
      for await (const page of storeNow().follow(options)) {
        events.push(...page);
        if (events.length >= count) enough.abort();
      }
    } catch (error) {
      if (!isClosed(error)) throw error;
      await delay(10);
    }
  }
  return events;
}

function isClosed(error: unknown): boolean {
  return error instanceof Error && error.message.includes('closed');
}

const revisions = (events: readonly StoredEvent[]) => events.map(({ revision }) => revision);
const ids = (events: readonly EncodedEvent[]) => events.map(({ id }) => id);

/** What every adapter of the event store must do. */
export function eventStoreContract(adapter: string, makeLog: () => Promise<LogUnderTest>): void {
  describe(`event store: ${adapter}`, () => {
    let log: LogUnderTest;
    let store: EventStore;
    let stores: EventStore[];

    const openAnother = async () => {
      const opened = await log.open();
      stores.push(opened);
      return opened;
    };

    beforeEach(async () => {
      log = await makeLog();
      stores = [];
      store = await openAnother();
    });

    afterEach(async () => {
      for (const opened of stores) await opened.close();
      await log.remove();
    });

    describe('append', () => {
      test('answers with the events as stored: revisions from 0, positions rising', async () => {
        const events = encodedEvents(3);
        const stored = await store.append([{ stream: 'thing-1', expectedRevision: -1, events }]);
        expect(stored).toEqual(
          events.map((event, index) => ({
            ...event,
            stream: 'thing-1',
            revision: index,
            position: expect.any(BigInt),
          })),
        );
        const positions = stored.map(({ position }) => position);
        expect(positions).toEqual([...positions].sort((a, b) => Number(a - b)));
        expect(new Set(positions).size).toBe(3);
        expect(await store.readStream('thing-1', { limit: 10 })).toEqual(stored);
      });

      test('refuses with the actual revision where the stream is elsewhere, and writes nothing', async () => {
        await store.append([{ stream: 'thing-1', expectedRevision: -1, events: encodedEvents(2) }]);
        const behind = store.append([{ stream: 'thing-1', expectedRevision: 0, events: encodedEvents(1) }]);
        await expect(behind).rejects.toMatchObject({ stream: 'thing-1', expectedRevision: 0, actualRevision: 1 });
        const ahead = store.append([{ stream: 'thing-2', expectedRevision: 0, events: encodedEvents(1) }]);
        await expect(ahead).rejects.toMatchObject({ stream: 'thing-2', expectedRevision: 0, actualRevision: -1 });
        expect(await store.readAll(0n, 10)).toHaveLength(2);
      });

      test('expecting -1 refuses a stream that exists', async () => {
        await store.append([{ stream: 'thing-1', expectedRevision: -1, events: encodedEvents(1) }]);
        const again = store.append([{ stream: 'thing-1', expectedRevision: -1, events: encodedEvents(1) }]);
        await expect(again).rejects.toBeInstanceOf(RevisionConflict);
      });

      test('lets one of many who append at the same revision win', async () => {
        const other = await openAnother();
        const tries = Array.from({ length: 20 }, (_, index) =>
          (index % 2 ? store : other).append([
            { stream: 'thing-1', expectedRevision: -1, events: encodedEvents(1, `try ${index}`) },
          ]),
        );
        const settled = await Promise.allSettled(tries);
        const won = settled.filter((result) => result.status === 'fulfilled');
        const lost = settled.filter((result) => result.status === 'rejected');
        expect(won).toHaveLength(1);
        for (const { reason } of lost) expect(reason).toBeInstanceOf(RevisionConflict);
        expect(await store.readStream('thing-1', { limit: 10 })).toEqual(won[0]?.value);
      });

      test('lets everybody in who tries again where the stream has come to', async () => {
        const writers = await Promise.all(Array.from({ length: 4 }, openAnother));
        await Promise.all(
          writers.map(async (writer) => {
            const events = encodedEvents(8);
            for (let expectedRevision = -1; events.length > 0; ) {
              try {
                await writer.append([{ stream: 'thing-1', expectedRevision, events: events.slice(0, 1) }]);
                events.shift();
                expectedRevision += 1;
              } catch (error) {
                expect(error).toBeInstanceOf(RevisionConflict);
                expectedRevision = (error as RevisionConflict).actualRevision;
              }
            }
          }),
        );
        const stored = await store.readStream('thing-1', { limit: 100 });
        expect(revisions(stored)).toEqual(Array.from({ length: 32 }, (_, index) => index));
        expect(new Set(ids(stored)).size).toBe(32);
      });

      test('writes to all streams together, in the order given', async () => {
        const stored = await store.append([
          { stream: 'thing-1', expectedRevision: -1, events: encodedEvents(2) },
          { stream: 'other-1', expectedRevision: -1, events: encodedEvents(1) },
        ]);
        expect(stored.map(({ stream, revision }) => [stream, revision])).toEqual([
          ['thing-1', 0],
          ['thing-1', 1],
          ['other-1', 0],
        ]);
        expect(await store.readAll(0n, 10)).toEqual(stored);
      });

      test('writes to none when one of the streams is elsewhere', async () => {
        await store.append([{ stream: 'other-1', expectedRevision: -1, events: encodedEvents(1) }]);
        const both = store.append([
          { stream: 'thing-1', expectedRevision: -1, events: encodedEvents(1) },
          { stream: 'other-1', expectedRevision: -1, events: encodedEvents(1) },
        ]);
        await expect(both).rejects.toMatchObject({ stream: 'other-1' });
        expect(await store.readStream('thing-1', { limit: 10 })).toEqual([]);
      });

      test('writes to all streams or none, however many want the same one', async () => {
        const other = await openAnother();
        const tries = Array.from({ length: 12 }, (_, index) =>
          (index % 2 ? store : other).append([
            { stream: `other-${index}`, expectedRevision: -1, events: encodedEvents(1) },
            { stream: 'thing-1', expectedRevision: -1, events: encodedEvents(1) },
          ]),
        );
        const settled = await Promise.allSettled(tries);
        const won = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
        expect(won).toHaveLength(1);
        expect(await store.readAll(0n, 100)).toEqual(won[0]);
      });

      test('fails alone when others that succeed are under way', async () => {
        const outcomes = await Promise.allSettled(
          ['thing-1', 'thing-2', 'thing-1', 'thing-3'].map((stream) =>
            store.append([{ stream, expectedRevision: -1, events: encodedEvents(1) }]),
          ),
        );
        expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
        expect(await store.readAll(0n, 10)).toHaveLength(3);
      });

      test('sent again answers with the original events and writes nothing', async () => {
        const append = [
          { stream: 'thing-1', expectedRevision: -1, events: encodedEvents(2) },
          { stream: 'other-1', expectedRevision: -1, events: encodedEvents(1) },
        ];
        const original = await store.append(append);
        await store.append([{ stream: 'thing-1', expectedRevision: 1, events: encodedEvents(1) }]);
        expect(await store.append(append)).toEqual(original);
        expect(await (await openAnother()).append(append)).toEqual(original);
        expect(await store.readAll(0n, 10)).toHaveLength(4);
      });

      test('sent twice at once is stored once', async () => {
        const append = [{ stream: 'thing-1', expectedRevision: -1, events: encodedEvents(2) }];
        const [first, second] = await Promise.all([store.append(append), store.append(append)]);
        expect(second).toEqual(first);
        expect(await store.readAll(0n, 10)).toHaveLength(2);
      });

      test('is no repetition if only some of its events are there', async () => {
        const [first, second, third] = encodedEvents(3) as [EncodedEvent, EncodedEvent, EncodedEvent];
        await store.append([{ stream: 'thing-1', expectedRevision: -1, events: [first, second] }]);
        for (const events of [[first, third], [second], [first, second, third]]) {
          const again = store.append([{ stream: 'thing-1', expectedRevision: -1, events }]);
          await expect(again).rejects.toBeInstanceOf(RevisionConflict);
        }
        const elsewhere = store.append([
          { stream: 'thing-1', expectedRevision: -1, events: [first, second] },
          { stream: 'other-1', expectedRevision: -1, events: [third] },
        ]);
        await expect(elsewhere).rejects.toBeInstanceOf(RevisionConflict);
      });

      test('only checks a stream for which it has no events', async () => {
        await store.append([{ stream: 'thing-1', expectedRevision: -1, events: encodedEvents(1) }]);
        const checked = (expectedRevision: number) =>
          store.append([
            { stream: 'thing-1', expectedRevision, events: [] },
            { stream: 'other-1', expectedRevision: -1, events: encodedEvents(1) },
          ]);
        await expect(checked(-1)).rejects.toMatchObject({ stream: 'thing-1', actualRevision: 0 });
        expect(await checked(0)).toHaveLength(1);
      });

      test('is known again although a stream that it only checked has moved on', async () => {
        await store.append([{ stream: 'thing-1', expectedRevision: -1, events: encodedEvents(1) }]);
        const append = [
          { stream: 'thing-1', expectedRevision: 0, events: [] },
          { stream: 'other-1', expectedRevision: -1, events: encodedEvents(2) },
        ];
        const original = await store.append(append);
        await store.append([{ stream: 'thing-1', expectedRevision: 0, events: encodedEvents(1) }]);
        expect(await store.append(append)).toEqual(original);
        expect(await store.readStream('other-1', { limit: 10 })).toEqual(original);
      });

      test('without any events only tells whether the streams are there', async () => {
        await store.append([{ stream: 'thing-1', expectedRevision: -1, events: encodedEvents(1) }]);
        const check = (expectedRevision: number) =>
          store.append([
            { stream: 'other-1', expectedRevision: -1, events: [] },
            { stream: 'thing-1', expectedRevision, events: [] },
          ]);
        expect(await check(0)).toEqual([]);
        await expect(check(1)).rejects.toMatchObject({ stream: 'thing-1', actualRevision: 0 });
      });

      test('refuses to name a stream twice', async () => {
        const append = { stream: 'thing-1', expectedRevision: -1, events: encodedEvents(1) };
        await expect(store.append([append, append])).rejects.toThrow('names a stream twice');
        expect(await store.head()).toBe(0n);
      });

      test('refuses to hold an event twice', async () => {
        const events = encodedEvents(1);
        const inOne = store.append([{ stream: 'thing-1', expectedRevision: -1, events: [...events, ...events] }]);
        await expect(inOne).rejects.toThrow('holds an event twice');
        const inTwo = store.append([
          { stream: 'thing-1', expectedRevision: -1, events },
          { stream: 'other-1', expectedRevision: -1, events },
        ]);
        await expect(inTwo).rejects.toThrow('holds an event twice');
        expect(await store.head()).toBe(0n);
      });

      test('takes an event of 256 KiB, data and metadata together in UTF-8, and no larger one', async () => {
        const [event] = encodedEvents(1) as [EncodedEvent];
        const room = maxEventBytes - event.metadata.length - '""'.length;
        const text = '日'.repeat(Math.floor(room / 3)) + 'x'.repeat(room % 3);
        const largest = { ...event, data: JSON.stringify(text) };
        const stored = await store.append([{ stream: 'thing-1', expectedRevision: -1, events: [largest] }]);
        expect(stored[0]?.data).toBe(largest.data);
        expect(await store.readStream('thing-1', { limit: 1 })).toEqual(stored);
        const larger = { ...event, data: JSON.stringify(`${text}x`) };
        const append = store.append([
          { stream: 'thing-2', expectedRevision: -1, events: [...encodedEvents(1), larger] },
        ]);
        await expect(append).rejects.toThrow(EventTooLarge);
        expect(await store.readStream('thing-2', { limit: 1 })).toEqual([]);
      });

      test('takes many large events at once', async () => {
        const text = 'x'.repeat(250 * 1024);
        const events = encodedEvents(20).map((event) => ({ ...event, data: JSON.stringify(text) }));
        const stored = await store.append([{ stream: 'thing-1', expectedRevision: -1, events }]);
        const read = await store.readStream('thing-1', { limit: 20 });
        expect(ids(read)).toEqual(ids(stored));
        expect(read.every(({ data }) => data.length === text.length + 2)).toBe(true);
      });

      test('keeps texts as they are, whatever their characters', async () => {
        const data = JSON.stringify({ b: 1, a: 1.5, text: 'naïve 日本語 🙂 \u0000 \u2028 \ud800 "quoted"\n' });
        const metadata = JSON.stringify({ actor: 'naïve 日本語 🙂 \u0001 \u2028 "quoted"\n', empty: '', version: '1' });
        const events = encodedEvents(2).map((event) => ({ ...event, data, metadata }));
        const stored = await store.append([{ stream: 'thing-1', expectedRevision: -1, events }]);
        const read = await (await openAnother()).readStream('thing-1', { limit: 2 });
        for (const event of [...stored, ...read]) expect(event).toMatchObject({ data, metadata });
      });
    });

    describe('reading', () => {
      beforeEach(async () => {
        for (let revision = -1; revision < 9; revision += 2) {
          await store.append([
            { stream: 'thing-1', expectedRevision: revision, events: encodedEvents(2) },
            { stream: `other-${revision}`, expectedRevision: -1, events: encodedEvents(1) },
          ]);
        }
      });

      test('a stream forwards, from a revision on, at most so many', async () => {
        expect(revisions(await store.readStream('thing-1', { limit: 100 }))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        expect(revisions(await store.readStream('thing-1', { from: 7, limit: 100 }))).toEqual([7, 8, 9]);
        expect(revisions(await store.readStream('thing-1', { from: 2, limit: 3 }))).toEqual([2, 3, 4]);
        expect(await store.readStream('thing-1', { from: 10, limit: 3 })).toEqual([]);
      });

      test('a stream backwards, from the end or from a revision', async () => {
        const direction = 'backwards';
        expect(revisions(await store.readStream('thing-1', { direction, limit: 2 }))).toEqual([9, 8]);
        expect(revisions(await store.readStream('thing-1', { direction, from: 3, limit: 100 }))).toEqual([3, 2, 1, 0]);
        expect(revisions(await store.readStream('thing-1', { direction, from: 99, limit: 1 }))).toEqual([9]);
      });

      test('a stream that does not exist gives nothing', async () => {
        expect(await store.readStream('thing-2', { limit: 10 })).toEqual([]);
        expect(await store.readStream('thing-2', { direction: 'backwards', limit: 10 })).toEqual([]);
      });

      test('the whole log in pages gives every event once and in order, to whoever opens it', async () => {
        for (const reader of [store, await openAnother()]) {
          const all = await reader.readAll(0n, 1_000);
          expect(all).toHaveLength(15);
          const paged: StoredEvent[] = [];
          for (;;) {
            const page = await reader.readAll(paged.at(-1)?.position ?? 0n, 4);
            if (page.length === 0) break;
            expect(page.length).toBeLessThanOrEqual(4);
            paged.push(...page);
          }
          expect(paged).toEqual(all);
        }
      });

      test('the head is the position of the last event', async () => {
        const all = await store.readAll(0n, 1_000);
        expect(await store.head()).toBe(all.at(-1)?.position);
        expect(await store.readAll(await store.head(), 10)).toEqual([]);
        expect(await (await openAnother()).head()).toBe(await store.head());
      });
    });

    test('the head of an empty log is 0', async () => {
      expect(await store.head()).toBe(0n);
    });

    describe('following', () => {
      test('gives what is there and then what comes, also from another store over the same log', async () => {
        const other = await openAnother();
        const first = await store.append([{ stream: 'thing-1', expectedRevision: -1, events: encodedEvents(3) }]);
        const following = followed(other, 5);
        const second = await store.append([{ stream: 'thing-1', expectedRevision: 2, events: encodedEvents(1) }]);
        await delay(50);
        const third = await store.append([{ stream: 'thing-1', expectedRevision: 3, events: encodedEvents(1) }]);
        expect(await following).toEqual([...first, ...second, ...third]);
      });

      test('begins after the position asked for', async () => {
        const stored = await store.append([{ stream: 'thing-1', expectedRevision: -1, events: encodedEvents(5) }]);
        expect(await followed(store, 2, stored[2]?.position)).toEqual(stored.slice(3));
      });

      test('gives pages of the size asked for', async () => {
        await store.append([{ stream: 'thing-1', expectedRevision: -1, events: encodedEvents(7) }]);
        const enough = new AbortController();
        const sizes: number[] = [];
        for await (const page of store.follow({ after: 0n, signal: enough.signal, pageSize: 3 })) {
          sizes.push(page.length);
          if (page.length < 3) enough.abort();
        }
        expect(sizes).toEqual([3, 3, 1]);
      });

      test('gives everything in pages to who is far behind, and goes on with what comes', async () => {
        for (let revision = -1; revision < 1_199; revision += 300) {
          await store.append([{ stream: 'thing-1', expectedRevision: revision, events: encodedEvents(300) }]);
        }
        const follower = followed(await openAnother(), 1_210, 0n, 100);
        for (let revision = 1_199; revision < 1_209; revision += 1) {
          await store.append([{ stream: 'thing-1', expectedRevision: revision, events: encodedEvents(1) }]);
        }
        expect(revisions(await follower)).toEqual(Array.from({ length: 1_210 }, (_, index) => index));
      });

      test('gives every event once and in order while several stores append', async () => {
        const writers = [store, await openAnother(), await openAnother()];
        const perWriter = 150;
        const total = writers.length * perWriter;
        const followers = [followed(store, total), followed(await openAnother(), total, 0n, 7)];
        await Promise.all(
          writers.map(async (writer, index) => {
            for (let revision = -1; revision < perWriter - 1; revision += 1) {
              await writer.append([{ stream: `thing-${index}`, expectedRevision: revision, events: encodedEvents(1) }]);
            }
          }),
        );
        const all = await store.readAll(0n, total + 1);
        expect(new Set(ids(all)).size).toBe(total);
        for (const events of await Promise.all(followers)) expect(events).toEqual(all);
      });

      test('ends when it is aborted while it waits, before it begins, and between pages', async () => {
        const waiting = new AbortController();
        const following = (async () => {
          for await (const _page of store.follow({ after: 0n, signal: waiting.signal })) throw new Error('a page');
        })();
        await delay(5);
        waiting.abort();
        await following;

        await store.append([{ stream: 'thing-1', expectedRevision: -1, events: encodedEvents(5) }]);
        let pages = 0;
        for await (const _page of store.follow({ after: 0n, signal: AbortSignal.abort() })) pages += 1;
        expect(pages).toBe(0);

        const between = new AbortController();
        for await (const _page of store.follow({ after: 0n, signal: between.signal, pageSize: 1 })) {
          pages += 1;
          between.abort();
        }
        expect(pages).toBe(1);
      });

      test('may be left early', async () => {
        await store.append([{ stream: 'thing-1', expectedRevision: -1, events: encodedEvents(5) }]);
        const { signal } = new AbortController();
        for await (const page of store.follow({ after: 0n, signal, pageSize: 2 })) {
          expect(page).toHaveLength(2);
          break;
        }
      });
    });

    test('a restart in the middle loses nothing, doubles nothing and interrupts no follower', async () => {
      const restart = async () => {
        if (log.restart) return log.restart();
        await store.close();
        store = await openAnother();
      };
      const storeNow = () => store;
      const writers = 4;
      const perWriter = 25;
      const total = writers * perWriter;
      const followers = [followedThrough(storeNow, total), followedThrough(storeNow, total)];
      let done = 0;
      const written = Array.from({ length: writers }, async (_, index) => {
        const stored: StoredEvent[] = [];
        for (let expectedRevision = -1; expectedRevision < perWriter - 1; expectedRevision += 1) {
          const append = [{ stream: `thing-${index}`, expectedRevision, events: encodedEvents(1) }];
          stored.push(...(await appendUntilKnown(storeNow, append)));
          done += 1;
        }
        return stored;
      });
      while (done < total / 3) await delay(1);
      await restart();
      const acknowledged = (await Promise.all(written)).flat().sort((a, b) => Number(a.position - b.position));
      expect(await store.readAll(0n, total + 1)).toEqual(acknowledged);
      for (const events of await Promise.all(followers)) expect(events).toEqual(acknowledged);
    });

    test('an append that is given up is either there as a whole or not at all, and is known when it is sent again', async () => {
      const hasty = log.openHasty ? await log.openHasty() : await log.open();
      stores.push(hasty);
      const stall = await log.stall();
      const append = [
        { stream: 'thing-1', expectedRevision: -1, events: encodedEvents(2) },
        { stream: 'other-1', expectedRevision: -1, events: encodedEvents(1) },
      ];
      const first = hasty.append(append).catch((error: unknown) => error);
      await Promise.race([first, delay(stall.givenUpAfterMs ?? 50)]);
      await stall.end();
      const outcome = await first;
      const known = await appendUntilKnown(() => store, append);
      if (stall.givenUpAfterMs === undefined) expect(outcome).toEqual(known);
      else expect(outcome).toBeInstanceOf(OutcomeUnknown);
      expect(await store.readAll(0n, 10)).toEqual(known);
    });

    test('keeps everything after it is closed and opened again', async () => {
      const append = [{ stream: 'thing-1', expectedRevision: -1, events: encodedEvents(3) }];
      const stored = await store.append(append);
      await store.close();
      stores = [];
      const again = await openAnother();
      expect(await again.readAll(0n, 10)).toEqual(stored);
      expect(await again.append(append)).toEqual(stored);
      const [next] = await again.append([{ stream: 'thing-1', expectedRevision: 2, events: encodedEvents(1) }]);
      expect(next?.position).toBeGreaterThan(stored[2]?.position as bigint);
    });

    test('finishes appends that are under way when it is closed, and refuses later calls', async () => {
      const under = store.append([{ stream: 'thing-1', expectedRevision: -1, events: encodedEvents(1) }]);
      await Promise.all([store.close(), under]);
      stores = [];
      await expect(
        store.append([{ stream: 'thing-2', expectedRevision: -1, events: encodedEvents(1) }]),
      ).rejects.toThrow('closed');
      await expect(store.readAll(0n, 1)).rejects.toThrow('closed');
      await expect(store.readStream('thing-1', { limit: 1 })).rejects.toThrow('closed');
      await expect(store.head()).rejects.toThrow('closed');
      expect(await (await openAnother()).readAll(0n, 10)).toHaveLength(1);
    });

    test('tells a follower that it is closed', async () => {
      const following = followed(store, 1);
      const told = expect(following).rejects.toThrow('closed');
      await delay(5);
      await store.close();
      stores = [];
      await told;
    });
  });
}
