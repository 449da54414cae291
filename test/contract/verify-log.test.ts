import { describe, expect, test } from 'vitest';
import { MessagePosted } from '../../domain/conversations/channel.js';
import { createCodec } from '../../src/event-store/event-codec.js';
import { hashEvent } from '../../src/event-store/hash.js';
import type { StoredEvent } from '../../src/event-store/port.js';
import { type Finding, verifyLog } from '../../src/event-store/verify.js';
import { memoryKeys } from '../../src/keys/memory.js';
import { metadataOf, storedEvent } from '../fixtures/events.js';

/** The verifier against a sound log, and against logs that are broken in a known way. */

const codec = createCodec(memoryKeys());
const ada = '0192f7a0-0000-7000-8000-00000000ada0';

/** A sound log of two streams that take turns. */
async function soundLog(count: number): Promise<StoredEvent[]> {
  const log: StoredEvent[] = [];
  for (let index = 0; index < count; index += 1) {
    const event = MessagePosted({ authorId: ada, kind: 'message', text: `message ${index}` });
    await codec.prepare([event]);
    const before = log[index - 2];
    const metadata = metadataOf({ prevHash: before ? hashEvent(before) : '' });
    const encoded = codec.encode(event, `0192f7a2-0000-7000-8000-${String(index).padStart(12, '0')}`, metadata);
    const stream = `channel-${index % 2}`;
    log.push(storedEvent(encoded, { stream, revision: Math.floor(index / 2), position: BigInt(index + 1) }));
  }
  return log;
}

async function findingsOf(log: readonly StoredEvent[], pageSize = 3): Promise<Finding[]> {
  const pages: StoredEvent[][] = [];
  for (let start = 0; start < log.length; start += pageSize) pages.push(log.slice(start, start + pageSize));
  const findings: Finding[] = [];
  for await (const finding of verifyLog(pages, codec)) findings.push(finding);
  return findings;
}

function changed(log: readonly StoredEvent[], index: number, change: Partial<StoredEvent>): StoredEvent[] {
  return log.map((event, at) => (at === index ? { ...event, ...change } : event));
}

describe('a log', () => {
  test('that is sound has no findings, whatever the pages', async () => {
    const log = await soundLog(8);
    for (const pageSize of [1, 3, 100]) expect(await findingsOf(log, pageSize)).toEqual([]);
    expect(await findingsOf([])).toEqual([]);
  });

  test('that lost an event in the middle of a stream has a gap', async () => {
    const log = await soundLog(8);
    expect(await findingsOf(log.toSpliced(4, 1))).toEqual([
      {
        problem: 'revision-gap',
        stream: 'channel-0',
        revision: 3,
        position: 7n,
        detail: 'revision 3 comes after 1',
      },
    ]);
  });

  test('that lost the first event of a stream has a gap', async () => {
    const log = await soundLog(4);
    expect(await findingsOf(log.slice(1))).toMatchObject([
      { problem: 'revision-gap', stream: 'channel-0', revision: 1 },
    ]);
  });

  test('that has a revision twice has a gap', async () => {
    const log = await soundLog(4);
    const twice = { ...(log[3] as StoredEvent), position: 5n };
    expect(await findingsOf([...log, twice])).toMatchObject([
      { problem: 'revision-gap', revision: 1, detail: 'revision 1 comes after 1' },
    ]);
  });

  test('whose events changed places has positions that do not rise', async () => {
    const log = await soundLog(4);
    const swapped = changed(changed(log, 2, { position: 4n }), 3, { position: 3n });
    expect(await findingsOf(swapped)).toMatchObject([
      { problem: 'position-not-rising', position: 3n, detail: 'position 3 comes after 4' },
    ]);
  });

  test('in which any part of an event was changed is found out by the next one', async () => {
    const log = await soundLog(8);
    const { data, metadata } = log[2] as StoredEvent;
    const changes: Partial<StoredEvent>[] = [
      { id: log[3]?.id as string, data: JSON.stringify({ authorId: ada, kind: 'message', text: null }) },
      { data: data.replace('"message"', '"action"') },
      { metadata: metadata.replace('system', 'someone') },
    ];
    for (const change of changes) {
      expect(await findingsOf(changed(log, 2, change))).toEqual([
        {
          problem: 'hash-mismatch',
          stream: 'channel-0',
          revision: 2,
          position: 5n,
          detail: 'its prevHash does not fit: the event at revision 1 is another',
        },
      ]);
    }
  });

  test('whose stream begins with an event that names one before it lost its beginning', async () => {
    const log = await soundLog(4);
    const beginning = changed(log.slice(2), 0, { revision: 0 });
    expect((await findingsOf(beginning))[0]).toMatchObject({
      problem: 'hash-mismatch',
      stream: 'channel-0',
      revision: 0,
    });
  });

  test('with events that can not be decoded names each of them', async () => {
    const log = await soundLog(8);
    const broken = changed(changed(log, 6, { type: 'tests.Unheard' }), 7, { metadata: '{' });
    expect(await findingsOf(broken)).toMatchObject([
      { problem: 'hash-mismatch', stream: 'channel-1', revision: 3 },
      { problem: 'undecodable', stream: 'channel-0', revision: 3, detail: expect.stringContaining('tests.Unheard') },
      { problem: 'undecodable', stream: 'channel-1', revision: 3 },
    ]);
  });
});
