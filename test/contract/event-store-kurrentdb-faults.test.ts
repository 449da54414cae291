import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type KurrentEventStoreOptions, openKurrentEventStore } from '../../src/event-store/kurrentdb.js';
import { parseKurrentUrl } from '../../src/event-store/kurrentdb-address.js';
import { type EventStore, OutcomeUnknown, RevisionConflict, type StoredEvent } from '../../src/event-store/port.js';
import { ServerUnavailable } from '../../src/server-unavailable.js';
import type { Fault } from '../fixtures/kurrentdb-stand-in/appends.js';
import { KurrentStandIn } from '../fixtures/kurrentdb-stand-in/stand-in.js';
import { encodedEvents } from './event-store.js';

/** What the adapter for KurrentDB makes of faults, shown over a stand-in: see there what that can show. */

let standIn: KurrentStandIn;
let namespace: string;
beforeAll(async () => {
  standIn = await KurrentStandIn.start();
});
afterAll(() => standIn.stop());
beforeEach(() => {
  namespace = `test${randomUUID().replaceAll('-', '')}`;
  standIn.appends.faults.length = 0;
  standIn.appends.count = 0;
  standIn.reads.muted = false;
  standIn.reads.goOn();
});

/** With a client that soon gives a call up. */
async function open(options: KurrentEventStoreOptions = {}, server = standIn): Promise<EventStore> {
  const store = await openKurrentEventStore(addressOn(server), options);
  onTestFinished(() => store.close());
  return store;
}

function addressOn(server: KurrentStandIn) {
  return parseKurrentUrl(`${server.url.replace('?', `/${namespace}?`)}&defaultDeadline=300`);
}

const twoStreams = () => [
  { stream: 'thing-1', expectedRevision: -1, events: encodedEvents(2) },
  { stream: 'other-1', expectedRevision: -1, events: encodedEvents(1) },
];
const oneEvent = () => [{ stream: 'thing-1', expectedRevision: -1, events: encodedEvents(1) }];
const withCheck = () => [...oneEvent(), { stream: 'other-1', expectedRevision: -1, events: [] }];

/** Follows from the beginning, as long as the test lasts. */
function follow(store: EventStore): StoredEvent[] {
  const ended = new AbortController();
  const events: StoredEvent[] = [];
  const following = (async () => {
    for await (const page of store.follow({ after: 0n, signal: ended.signal })) events.push(...page);
  })();
  onTestFinished(async () => {
    ended.abort();
    await following;
  });
  return events;
}

const patiently = { timeout: 15_000, interval: 5 };

describe('an append that is not answered', () => {
  const faults: Fault[] = ['lost-answer', 'lost-request', 'no-answer', 'not-ready', 'odd-error'];
  describe.each([
    ['of one event', oneEvent],
    ['to several streams', twoStreams],
    ['that checks a stream', withCheck],
  ])('%s', (_what, makeAppend) => {
    test.each(faults)('is sent again and stored once: %s', async (fault) => {
      const store = await open();
      const append = makeAppend();
      standIn.appends.faults.push(fault);
      const stored = await store.append(append);
      expect(standIn.appends.count).toBe(2);
      expect(stored.map(({ id }) => id)).toEqual(append.flatMap(({ events }) => events.map(({ id }) => id)));
      expect(await store.readAll(0n, 10)).toEqual(stored);
    });
  });

  test('has an unknown outcome once time is up, which is known when it is sent again', async () => {
    const store = await open({ patienceMs: 500 });
    const append = twoStreams();
    standIn.appends.faults.push(...Array<Fault>(10).fill('no-answer'));
    await expect(store.append(append)).rejects.toBeInstanceOf(OutcomeUnknown);
    expect(standIn.appends.count).toBeGreaterThan(1);
    standIn.appends.faults.length = 0;
    expect(await store.append(append)).toEqual(await store.readAll(0n, 10));
  });

  test('is refused for good if its stream has moved on meanwhile', async () => {
    const store = await open();
    standIn.appends.faults.push('lost-request');
    const append = store.append(oneEvent());
    const refused = expect(append).rejects.toMatchObject({
      stream: 'thing-1',
      expectedRevision: -1,
      actualRevision: 0,
    });
    await vi.waitUntil(() => standIn.appends.count === 1, patiently);
    const record = { id: randomUUID(), type: 'tests.Another', isJson: false, data: Buffer.from('{}'), metadata: '{}' };
    standIn.log.append([{ stream: `${namespace}.thing-1`, expected: -1n, records: [record] }]);
    await refused;
    expect(await store.readStream('thing-1', { limit: 10 })).toHaveLength(1);
  });

  test('is unknown if the server then refuses: an earlier try may have been done', async () => {
    const store = await open();
    standIn.appends.faults.push('lost-answer', 'denied');
    await expect(store.append(oneEvent())).rejects.toBeInstanceOf(OutcomeUnknown);
  });
});

test('an append that the server refuses at once is not sent again', async () => {
  const store = await open();
  standIn.appends.faults.push('denied');
  const append = store.append(oneEvent());
  await expect(append).rejects.toThrow('KurrentDB refuses an append: 7 PERMISSION_DENIED: denied');
  await expect(append).rejects.not.toBeInstanceOf(OutcomeUnknown);
  expect(standIn.appends.count).toBe(1);
});

test.each([
  ['of streams', oneEvent],
  ['of records', withCheck],
])('a conflict is told with the place where the stream is: %s', async (_form, makeAppend) => {
  const store = await open();
  await store.append([{ stream: 'thing-1', expectedRevision: -1, events: encodedEvents(3) }]);
  const append = store.append(makeAppend());
  await expect(append).rejects.toBeInstanceOf(RevisionConflict);
  await expect(append).rejects.toMatchObject({ stream: 'thing-1', expectedRevision: -1, actualRevision: 2 });
});

describe('a server', () => {
  async function serverOf(version: string): Promise<KurrentStandIn> {
    const server = await KurrentStandIn.start(version);
    onTestFinished(() => server.stop());
    return server;
  }

  test('without appends to several streams is refused at the start', async () => {
    const server = await serverOf('24.10.4');
    const opening = openKurrentEventStore(addressOn(server));
    await expect(opening).rejects.toBeInstanceOf(ServerUnavailable);
    await expect(opening).rejects.toThrow('lacks appends to several streams at once (25.1 or later)');
  });

  test('without checks of other streams is warned of at the start, and refuses the appends that need them', async () => {
    const server = await serverOf('25.1.0');
    const warnings: string[] = [];
    const store = await open({ onWarning: (message) => warnings.push(message) }, server);
    expect(warnings).toEqual([
      expect.stringContaining('lacks checks of streams that an append does not write to (26.1 or later)'),
    ]);
    expect(await store.append(twoStreams())).toHaveLength(3);
    const checking = [
      { stream: 'thing-1', expectedRevision: 1, events: encodedEvents(1) },
      { stream: 'other-1', expectedRevision: 0, events: [] },
    ];
    await expect(store.append(checking)).rejects.toThrow('appendRecords requires server version 26.1');
    expect(await store.readStream('thing-1', { limit: 10 })).toHaveLength(2);
  });

  test('that is not there is told of by its place, without credentials', async () => {
    const server = await serverOf('26.1.0');
    const address = parseKurrentUrl(server.url.replace('//', '//ann:s3cret@'));
    await server.stop();
    const opening = openKurrentEventStore(address, { patienceMs: 100 });
    await expect(opening).rejects.toBeInstanceOf(ServerUnavailable);
    await expect(opening).rejects.toThrow(`KurrentDB at ${address.place} can't be read: `);
    await expect(opening).rejects.not.toThrow('s3cret');
  });

  test('that comes up late is waited for, although a client whose first read has failed never reads', async () => {
    let opening: Promise<EventStore> | undefined;
    await standIn.restart(async () => {
      opening = open();
      await delay(1_500);
    });
    expect(await (await opening)?.head()).toBe(0n);
  });

  test('that once could not tell what it can do is asked again', async () => {
    const store = await open();
    standIn.evasive = 1;
    expect(await store.append(twoStreams())).toHaveLength(3);
  });

  test('that was away is read again, and told of while it is', async () => {
    const warnings: string[] = [];
    const store = await open({ onWarning: (message) => warnings.push(message) });
    const stored = await store.append(oneEvent());
    let read: Promise<StoredEvent[]> | undefined;
    await standIn.restart(async () => {
      read = store.readAll(0n, 10);
      await vi.waitUntil(() => store.fault !== undefined, patiently);
    });
    expect(await read).toEqual(stored);
    expect(store.fault).toBeUndefined();
    expect(warnings).toEqual([
      expect.stringMatching(/^KurrentDB at \S+ does not answer, and is asked again: /),
      expect.stringMatching(/^KurrentDB at \S+ answers again$/),
    ]);
  });

  test('that has vanished without a word is connected to anew', async () => {
    const store = await open();
    const stored = await store.append(oneEvent());
    standIn.hang();
    const next = await store.append([{ stream: 'thing-1', expectedRevision: 0, events: encodedEvents(1) }]);
    expect(await store.readAll(0n, 10)).toEqual([...stored, ...next]);
  });
});

test('a log is no longer looked through by a server that has vanished without a word, but by who answers instead', async () => {
  const store = await open();
  const stored = await store.append(oneEvent());
  expect(await store.readAll(0n, 10)).toEqual(stored);
  standIn.hang();
  expect(await store.readAll(0n, 10)).toEqual(stored);
});

describe('a log to which others have written much', () => {
  test('is opened without looking for anything in it', async () => {
    const { searches } = standIn.reads;
    await open();
    expect(standIn.reads.searches).toBe(searches);
  });

  test('is looked through as long as the server answers something else meanwhile', async () => {
    const warnings: string[] = [];
    const store = await open({ onWarning: (message) => warnings.push(message), patienceMs: 0 });
    const stored = await store.append(oneEvent());
    standIn.reads.holdUp();
    const { count } = standIn.reads;
    const found = [store.head(), store.readAll(0n, 10)] as const;
    // Longer than an answer may take: something else is asked for each second.
    await vi.waitUntil(() => standIn.reads.count >= count + 2 + 2 * 7, { timeout: 60_000 });
    standIn.reads.goOn();
    expect(await Promise.all(found)).toEqual([stored[0]?.position, stored]);
    expect(warnings).toEqual([]);
  });

  test('is no longer looked through once the store is closed, or nobody follows any more', async () => {
    const store = await openKurrentEventStore(addressOn(standIn));
    standIn.reads.holdUp();
    const refused = expect(store.head()).rejects.toThrow('closed');
    const ended = new AbortController();
    const following = (async () => {
      for await (const _page of store.follow({ after: 0n, signal: ended.signal }));
    })();
    await vi.waitUntil(() => standIn.reads.heldUp === 2, patiently);
    ended.abort();
    await following;
    await store.close();
    await refused;
  });
});

test('what others write to the same log is not seen', async () => {
  const [record] = [{ id: randomUUID(), type: 'tests.Foreign', isJson: true, data: Buffer.from('{}'), metadata: '{}' }];
  const store = await open();
  const stored = await store.append(oneEvent());
  for (const stream of ['thing-1', `${namespace}2.thing-1`, `$${namespace}.thing-1`, `$ce-${namespace}.thing`]) {
    standIn.log.append([{ stream, expected: -1n, records: [record] }]);
  }
  const events = follow(store);
  const next = await store.append([{ stream: 'thing-1', expectedRevision: 0, events: encodedEvents(1) }]);
  await vi.waitUntil(() => events.length === 2, patiently);
  expect(events).toEqual([...stored, ...next]);
  expect(await store.head()).toBe(next[0]?.position);
});

describe('a stream that somebody deletes in KurrentDB', () => {
  const next = () => [{ stream: 'thing-1', expectedRevision: 2, events: encodedEvents(1) }];
  const written = async () => {
    const store = await open();
    await store.append([{ stream: 'thing-1', expectedRevision: -1, events: encodedEvents(3) }]);
    return store;
  };

  test('for ever is neither read nor written to, and not tried again', async () => {
    const store = await written();
    standIn.log.tombstones.add(`${namespace}.thing-1`);
    await expect(store.readStream('thing-1', { limit: 10 })).rejects.toThrow('was deleted in KurrentDB');
    standIn.appends.count = 0;
    await expect(store.append(next())).rejects.toThrow('KurrentDB refuses an append: ');
    expect(standIn.appends.count).toBe(1);
  });

  test('in part is not taken for one that begins later', async () => {
    const store = await written();
    standIn.log.truncate(`${namespace}.thing-1`, 2);
    await expect(store.readStream('thing-1', { limit: 10 })).rejects.toThrow(
      'KurrentDB has no events 0 to 1 of thing-1 any more',
    );
    expect(await store.readStream('thing-1', { from: 2, limit: 10 })).toHaveLength(1);
  });

  test('and that is then written to anew is not taken for a new one', async () => {
    const store = await written();
    standIn.log.truncate(`${namespace}.thing-1`, 3);
    await store.append(next());
    await expect(store.readStream('thing-1', { limit: 10 })).rejects.toThrow('no events 0 to 2 of thing-1 any more');
  });
});

test('a position that is no place of an event is told as such', async () => {
  const store = await open();
  const [event] = await store.append(oneEvent());
  const reading = store.readAll((event as StoredEvent).position - 1n, 10);
  await expect(reading).rejects.toThrow(`No event of KurrentDB is at position ${(event as StoredEvent).position - 1n}`);
});

describe('followers', () => {
  test('share one subscription, which ends with the last of them', async () => {
    const store = await open();
    const ended = [new AbortController(), new AbortController(), new AbortController()];
    const following = ended.map(async ({ signal }) => {
      const events: StoredEvent[] = [];
      for await (const page of store.follow({ after: 0n, signal })) events.push(...page);
      return events;
    });
    await vi.waitUntil(() => standIn.reads.subscriptions === 1, patiently);
    const stored = await store.append(twoStreams());
    await delay(50);
    expect(standIn.reads.subscriptions).toBe(1);
    for (const each of ended) each.abort();
    for (const events of await Promise.all(following)) expect(events).toEqual(stored);
    await vi.waitUntil(() => standIn.reads.subscriptions === 0, patiently);
  });

  test('spare appends of several events the reading of their positions: the subscription brings them', async () => {
    const store = await open({ beatMs: 60_000 });
    const events = follow(store);
    await vi.waitUntil(() => standIn.reads.subscriptions === 1, patiently);
    const reads = standIn.reads.count;
    const stored = await store.append(twoStreams());
    expect(standIn.reads.count).toBe(reads);
    await vi.waitUntil(() => events.length === 3, patiently);
    for (const [index, event] of events.entries()) expect(event).toBe(stored[index]);
  });

  test('go on where they were when the server was away, and subscribe again', async () => {
    const store = await open();
    const events = follow(store);
    await vi.waitUntil(() => standIn.reads.subscriptions === 1, patiently);
    const stored = await store.append(oneEvent());
    await standIn.restart(() => delay(300));
    stored.push(...(await store.append([{ stream: 'thing-1', expectedRevision: 0, events: encodedEvents(3) }])));
    await vi.waitUntil(() => events.length === 4 && standIn.reads.subscriptions === 1, patiently);
    stored.push(...(await store.append([{ stream: 'thing-1', expectedRevision: 3, events: encodedEvents(1) }])));
    await vi.waitUntil(() => events.length === 5, patiently);
    expect(events).toEqual(stored);
  });

  test('may be cut off many times, and leave no listeners behind', async () => {
    const warned = vi.fn();
    process.on('warning', warned);
    onTestFinished(() => void process.off('warning', warned));
    const store = await open();
    const events = follow(store);
    for (let revision = -1; revision < 11; revision += 1) {
      const { subscribed } = standIn.reads;
      await store.append([{ stream: 'thing-1', expectedRevision: revision, events: encodedEvents(1) }]);
      standIn.cut();
      await vi.waitUntil(() => standIn.reads.subscribed > subscribed, patiently);
    }
    await vi.waitUntil(() => events.length === 12, patiently);
    expect(events.map((event) => event.revision)).toEqual(Array.from({ length: 12 }, (_, index) => index));
    expect(warned).not.toHaveBeenCalled();
  });

  test('read what a subscription does not bring', async () => {
    const store = await open({ beatMs: 50 });
    const events = follow(store);
    await vi.waitUntil(() => standIn.reads.subscriptions === 1, patiently);
    standIn.reads.muted = true;
    const stored = await store.append(twoStreams());
    await vi.waitUntil(() => events.length === 3, patiently);
    standIn.reads.muted = false;
    stored.push(...(await store.append([{ stream: 'thing-1', expectedRevision: 1, events: encodedEvents(1) }])));
    await vi.waitUntil(() => events.length === 4, patiently);
    expect(events).toEqual(stored);
  });

  test('are on the way again when a server that stood still goes on', async () => {
    const store = await open({ beatMs: 50 });
    const events = follow(store);
    await vi.waitUntil(() => standIn.reads.subscriptions === 1, patiently);
    standIn.freeze();
    const appending = store.append(twoStreams());
    await delay(400);
    standIn.thaw();
    const stored = await appending;
    await vi.waitUntil(() => events.length === 3, patiently);
    expect(events).toEqual(stored);
  });

  test('leave nothing behind when the store is closed', async () => {
    const store = await openKurrentEventStore(addressOn(standIn));
    const told = expect(async () => {
      for await (const _page of store.follow({ after: 0n, signal: new AbortController().signal }));
    }).rejects.toThrow('closed');
    await vi.waitUntil(() => standIn.reads.subscriptions === 1, patiently);
    await store.close();
    await told;
    await vi.waitUntil(() => standIn.reads.subscriptions === 0, patiently);
  });
});
