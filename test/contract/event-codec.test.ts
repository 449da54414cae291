import { createDecipheriv, createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { events as declaredEvents } from '../../domain/catalogue.js';
import { MessagePosted } from '../../domain/conversations/channel.js';
import { type AnyEventDefinition, type DomainEvent, defineEvent } from '../../domain/event.js';
import { type Codec, SealBroken, SubjectForgotten, UnknownEvent } from '../../src/event-store/codec.js';
import { createCodec } from '../../src/event-store/event-codec.js';
import { hashEvent } from '../../src/event-store/hash.js';
import type { StoredEvent } from '../../src/event-store/port.js';
import { memoryKeys } from '../../src/keys/memory.js';
import type { KeyStore } from '../../src/keys/port.js';
import { metadataOf, storedEvent } from '../fixtures/events.js';

const ada = '0192f7a0-0000-7000-8000-00000000ada0';
const bob = '0192f7a0-0000-7000-8000-0000000000b0';

const NoteWritten = defineEvent({
  type: 'tests.NoteWritten',
  data: z.strictObject({
    authorId: z.string(),
    readerId: z.string(),
    note: z.unknown(),
    answer: z.string().nullable(),
    attachment: z.unknown().optional(),
  }),
  personal: { note: 'authorId', answer: 'readerId' },
  audience: 'nobody',
});

function definitionsOf(...definitions: AnyEventDefinition[]): ReadonlyMap<string, AnyEventDefinition> {
  return new Map(definitions.map((definition) => [definition.type, definition]));
}

const WriterForgotten = defineEvent({
  type: 'tests.WriterForgotten',
  data: z.strictObject({ writerId: z.string() }),
  forgets: 'writerId',
  audience: 'nobody',
});

const definitions = definitionsOf(NoteWritten, WriterForgotten);

let made = 0;

async function stored(codec: Codec, event: DomainEvent): Promise<StoredEvent> {
  await codec.prepare([event]);
  made += 1;
  return storedEvent(codec.encode(event, `0192f7a2-0000-7000-8000-${String(made).padStart(12, '0')}`, metadataOf()));
}

function note(fields: Partial<Parameters<typeof NoteWritten>[0]> = {}) {
  return NoteWritten({ authorId: ada, readerId: bob, note: 'dear diary', answer: null, ...fields });
}

describe('encoding', () => {
  test('seals personal fields and leaves the others in clear', async () => {
    const codec = createCodec(memoryKeys(), definitions);
    const { data } = await stored(codec, note({ answer: 'dear ada' }));
    expect(data).not.toContain('dear');
    expect(JSON.parse(data)).toEqual({
      authorId: ada,
      readerId: bob,
      note: { $sealed: 'A256GCM', keys: [ada], value: expect.stringMatching(/^[\w-]+$/) },
      answer: { $sealed: 'A256GCM', keys: [bob], value: expect.stringMatching(/^[\w-]+$/) },
    });
  });

  test('seals the same text each time differently', async () => {
    const codec = createCodec(memoryKeys(), definitions);
    expect((await stored(codec, note())).data).not.toBe((await stored(codec, note())).data);
  });

  test('leaves the event that it is given as it is', async () => {
    const codec = createCodec(memoryKeys(), definitions);
    const event = note();
    await stored(codec, event);
    expect(event).toEqual(note());
  });

  test('makes no key for who has nothing personal in the event', async () => {
    const keys = memoryKeys();
    await stored(createCodec(keys, definitions), note());
    expect([...(await keys.get([ada, bob])).keys()]).toEqual([ada]);
  });

  test('asks the key store only for people whom it has not met', async () => {
    const keys = memoryKeys();
    const ensure = vi.spyOn(keys, 'ensure');
    const codec = createCodec(keys, definitions);
    await codec.prepare([note(), note({ answer: 'yes' }), note()]);
    await codec.prepare([note(), note({ answer: 'no' })]);
    expect(ensure.mock.calls).toEqual([[[ada, bob]]]);
  });

  test('writes metadata as a flat map of strings with sorted keys and the version of the type', async () => {
    const codec = createCodec(memoryKeys(), definitions);
    const metadata = metadataOf({ session: 's', causation: 'c', origin: 'import' });
    await codec.prepare([note()]);
    const text = codec.encode(note(), 'some-id', metadata).metadata;
    const written = JSON.parse(text);
    expect(written).toEqual({ ...metadata, version: '1' });
    expect(Object.keys(written)).toEqual(Object.keys(written).sort());
    expect(text).toBe(JSON.stringify(written));
  });

  test('refuses data that are not as declared', async () => {
    const codec = createCodec(memoryKeys(), definitions);
    const unknownField = { ...note(), data: { ...note().data, extra: 1 } };
    await codec.prepare([unknownField]);
    expect(() => codec.encode(unknownField, 'some-id', metadataOf())).toThrow('tests.NoteWritten is not as declared');
  });

  test('refuses an event type that is not declared', async () => {
    const codec = createCodec(memoryKeys(), definitions);
    const event = { type: 'tests.Unheard', data: {} };
    await expect(codec.prepare([event])).rejects.toThrow(UnknownEvent);
    expect(() => codec.encode(event, 'some-id', metadataOf())).toThrow('no event type tests.Unheard is declared');
  });

  test('refuses personal fields of someone who was forgotten', async () => {
    const keys = memoryKeys();
    await keys.ensure([ada]);
    await keys.destroy([ada]);
    const codec = createCodec(keys, definitions);
    await codec.prepare([note()]);
    expect(() => codec.encode(note(), 'some-id', metadataOf())).toThrow(SubjectForgotten);
    expect(() => codec.encode(note({ note: null }), 'some-id', metadataOf())).not.toThrow();
  });

  test('refuses what was not prepared', () => {
    const codec = createCodec(memoryKeys(), definitions);
    expect(() => codec.encode(note(), 'some-id', metadataOf())).toThrow('was not prepared');
  });
});

describe('forgetting', () => {
  const forgotten = WriterForgotten({ writerId: ada });
  const notesIn = async (codec: Codec, events: readonly StoredEvent[]) =>
    (await codec.decode(events)).flatMap(({ type, data }) =>
      type === NoteWritten.type ? [(data as { note: unknown }).note] : [],
    );

  test('is as if the key were destroyed, from the moment that it is heard of', async () => {
    const codec = createCodec(memoryKeys(), definitions);
    const mine = await stored(codec, note());
    const theirs = await stored(codec, note({ authorId: bob }));
    expect(await notesIn(codec, [mine, theirs])).toEqual(['dear diary', 'dear diary']);
    codec.forget(ada);
    expect(await notesIn(codec, [mine, theirs])).toEqual([null, 'dear diary']);
    await codec.prepare([note()]);
    expect(() => codec.encode(note(), 'some-id', metadataOf())).toThrow(SubjectForgotten);
  });

  test('is heard of by decoding the event that tells it, also for what is before it on the same page', async () => {
    const keys = memoryKeys();
    const writer = createCodec(keys, definitions);
    const page = [await stored(writer, note()), await stored(writer, forgotten), await stored(writer, note())];
    const reader = createCodec(keys, definitions);
    expect(await notesIn(reader, page.slice(0, 1))).toEqual(['dear diary']);
    expect(await notesIn(reader, page)).toEqual([null, null]);
    expect(await notesIn(reader, page.slice(0, 1))).toEqual([null]);
  });

  test('takes back what was remembered, and remembers nothing that comes late', async () => {
    const codec = createCodec(memoryKeys(), definitions);
    const [before, late, receipt] = [
      await stored(codec, note()),
      await stored(codec, note()),
      await stored(codec, forgotten),
    ] as const;
    const recordedOf = (event: StoredEvent, { type, data }: DomainEvent) =>
      ({ ...event, type, data, metadata: { ...metadataOf(), version: '1' } }) as const;
    codec.remember(before, recordedOf(before, note()));
    expect(await notesIn(codec, [before])).toEqual(['dear diary']);
    codec.remember(receipt, recordedOf(receipt, forgotten));
    codec.remember(late, recordedOf(late, note()));
    expect(await notesIn(codec, [before, late])).toEqual([null, null]);
  });

  test('holds also where the key store still has the key, and is asked for it at that moment', async () => {
    const keys = memoryKeys();
    const written = await stored(createCodec(keys, definitions), note());
    const codec = createCodec(keys, definitions);
    const reading = notesIn(codec, [written]);
    codec.forget(ada);
    expect(await reading).toEqual([null]);
  });
});

describe('decoding', () => {
  test('gives back what was encoded, with its place and metadata', async () => {
    const keys = memoryKeys();
    const event = note({ note: { mood: ['good', null, 1.5] }, answer: 'dear ada' });
    const written = await stored(createCodec(keys, definitions), event);
    for (const codec of [createCodec(keys, definitions), createCodec(keys, definitions)]) {
      const { id, type, stream, revision, position } = written;
      const metadata = { ...metadataOf(), version: '1' };
      const recorded = { id, type, stream, revision, position, data: event.data, metadata };
      expect(await codec.decode([written])).toEqual([recorded]);
    }
  });

  test('asks the key store once for all people of a page', async () => {
    const keys = memoryKeys();
    const writer = createCodec(keys, definitions);
    const page = [
      await stored(writer, note({ answer: 'yes' })),
      await stored(writer, note()),
      await stored(writer, note({ authorId: 'eve' })),
    ];
    const get = vi.spyOn(keys, 'get');
    const codec = createCodec(keys, definitions);
    await codec.decode(page);
    await codec.decode(page);
    expect(get.mock.calls).toEqual([[[ada, bob, 'eve']]]);
  });

  test('opens fields whose key was destroyed as null, the others as ever', async () => {
    const keys = memoryKeys();
    const written = await stored(createCodec(keys, definitions), note({ answer: 'dear ada' }));
    await keys.destroy([ada]);
    const [read] = await createCodec(keys, definitions).decode([written]);
    expect(read?.data).toEqual({ authorId: ada, readerId: bob, note: null, answer: 'dear ada' });
  });

  test('notices within a minute that a key was destroyed elsewhere', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const keys = memoryKeys();
      const codec = createCodec(keys, definitions);
      const written = await stored(codec, note());
      await keys.destroy([ada]);
      vi.advanceTimersByTime(60_000);
      expect((await codec.decode([written]))[0]?.data).toMatchObject({ note: null });
      await codec.prepare([note()]);
      expect(() => codec.encode(note(), 'some-id', metadataOf())).toThrow(SubjectForgotten);
    } finally {
      vi.useRealTimers();
    }
  });

  test('leaves sealed what is sealed where only the rest is asked for, and needs no key for it', async () => {
    const written = await stored(createCodec(memoryKeys(), definitions), note({ answer: 'dear ada', attachment: 7 }));
    const [read] = createCodec(memoryKeys(), definitions).decodeSealed([written]);
    expect(read?.data).toEqual({ authorId: ada, readerId: bob, note: null, answer: null, attachment: 7 });
  });

  test('fails where a sealed field was changed, or moved to another event or field', async () => {
    const keys = memoryKeys();
    const codec = createCodec(keys, definitions);
    const written = await stored(codec, note({ readerId: ada, answer: 'dear ada' }));
    const fields = JSON.parse(written.data);
    const { value } = fields.note;
    // Not the last character, of which some bits may say nothing.
    const changed = `${value.startsWith('A') ? 'B' : 'A'}${value.slice(1)}`;
    const forgeries = [
      { ...fields, note: { ...fields.note, value: changed } },
      { ...fields, note: { ...fields.note, value: value.slice(0, 20) } },
      { ...fields, note: { ...fields.note, value: '' } },
      { ...fields, note: fields.answer, answer: fields.note },
    ].map((data) => ({ ...written, data: JSON.stringify(data) }));
    for (const forgery of [...forgeries, { ...written, id: 'another-id' }]) {
      await expect(codec.decode([forgery])).rejects.toThrow(SealBroken);
      await expect(codec.decode([forgery])).rejects.toThrow('of thing-1 at revision 0');
    }
  });

  test('fails where the key store never had the key: it is not the one of this log', async () => {
    const written = await stored(createCodec(memoryKeys(), definitions), note());
    const codec = createCodec(memoryKeys(), definitions);
    await expect(codec.decode([written])).rejects.toThrow(`is sealed for ${ada}, who never had a key`);
  });

  test('fails where the event type, its version or the scheme of a seal is not known', async () => {
    const codec = createCodec(memoryKeys(), definitions);
    const written = await stored(codec, note());
    await expect(codec.decode([{ ...written, type: 'tests.Unheard' }])).rejects.toThrow(UnknownEvent);
    for (const version of ['2', '0', '1.5', 'x']) {
      const metadata = JSON.stringify({ ...metadataOf(), version });
      await expect(codec.decode([{ ...written, metadata }])).rejects.toThrow(`in version ${version}`);
    }
    const data = written.data.replace('A256GCM', 'A512XYZ');
    await expect(codec.decode([{ ...written, data }])).rejects.toThrow('unknown scheme A512XYZ');
  });

  test("leaves users' data alone that look sealed", async () => {
    const codec = createCodec(memoryKeys(), definitions);
    const lookalike = { $sealed: 'A256GCM', keys: [ada], value: 'AAAA' };
    const event = note({ note: lookalike, attachment: lookalike });
    const [read] = await codec.decode([await stored(codec, event)]);
    expect(read?.data).toEqual(event.data);
  });

  test('answers from memory for an event that it was told to remember', async () => {
    const codec = createCodec(memoryKeys(), definitions);
    const written = await stored(codec, note());
    const [recorded] = await codec.decode([written]);
    if (!recorded) throw new Error('nothing was decoded');
    codec.remember(written, recorded);
    expect((await codec.decode([{ ...written }, written]))[1]).toBe(recorded);
    expect((await codec.decode([{ ...written }]))[0]).not.toBe(recorded);
  });
});

describe('an event type of a newer version', () => {
  const First = defineEvent({
    type: 'tests.NameGiven',
    data: z.strictObject({ personId: z.string(), name: z.string().nullable() }),
    personal: { name: 'personId' },
    audience: 'nobody',
  });
  const Third = defineEvent({
    type: 'tests.NameGiven',
    version: 3,
    data: z.strictObject({
      personId: z.string(),
      name: z.string().nullable(),
      length: z.number(),
      formal: z.boolean(),
    }),
    personal: { name: 'personId' },
    upcasters: [
      (old: { name: string | null }) => ({ ...old, length: old.name?.length ?? 0 }),
      (old: object) => ({ ...old, formal: false }),
    ],
    audience: 'nobody',
  });

  test('reads what was stored in each version before, opened', async () => {
    const keys = memoryKeys();
    const written = await stored(
      createCodec(keys, definitionsOf(First)),
      First({ personId: ada, name: 'Ada Lovelace' }),
    );
    const [read] = await createCodec(keys, definitionsOf(Third)).decode([written]);
    expect(read?.data).toEqual({ personId: ada, name: 'Ada Lovelace', length: 12, formal: false });
    expect(read?.metadata.version).toBe('1');
  });

  test('reads its own version as it is', async () => {
    const codec = createCodec(memoryKeys(), definitionsOf(Third));
    const event = Third({ personId: ada, name: 'Ada', length: 99, formal: true });
    const written = await stored(codec, event);
    expect(JSON.parse(written.metadata).version).toBe('3');
    expect((await codec.decode([written]))[0]?.data).toEqual(event.data);
  });

  test('is not read by a Parley that knows only the older one', async () => {
    const keys = memoryKeys();
    const event = Third({ personId: ada, name: 'Ada', length: 3, formal: true });
    const written = await stored(createCodec(keys, definitionsOf(Third)), event);
    await expect(createCodec(keys, definitionsOf(First)).decode([written])).rejects.toThrow(UnknownEvent);
  });
});

describe('sealed text', () => {
  test('is opened for the same subject and context only', async () => {
    const codec = createCodec(memoryKeys());
    const sealed = await codec.sealText(ada, 'snapshot of thing-1', 'état 🙂');
    expect(sealed).not.toContain('état');
    expect(await codec.openText(ada, 'snapshot of thing-1', sealed)).toBe('état 🙂');
    expect(await codec.openText(ada, 'snapshot of thing-2', sealed)).toBeUndefined();
    expect(await codec.openText(bob, 'snapshot of thing-1', sealed)).toBeUndefined();
  });

  test.each([
    '',
    'null',
    '[]',
    '"text"',
    '{}',
    '{"$sealed":"A256GCM"}',
    '{"$sealed":"A256GCM","keys":["ada"],"value":""}',
  ])('that is none is not opened: %s', async (text) => {
    expect(await createCodec(memoryKeys()).openText('ada', 'context', text)).toBeUndefined();
  });

  test('is not opened once the key is gone', async () => {
    const keys = memoryKeys();
    const sealed = await createCodec(keys).sealText(ada, 'context', 'text');
    await keys.destroy([ada]);
    const codec = createCodec(keys);
    expect(await codec.openText(ada, 'context', sealed)).toBeUndefined();
    await expect(codec.sealText(ada, 'context', 'text')).rejects.toThrow(SubjectForgotten);
  });
});

describe('events stored by earlier versions', () => {
  interface GoldenEvent {
    readonly stored: Omit<StoredEvent, 'position'> & { position: string };
    readonly data: Readonly<Record<string, unknown>>;
    readonly hash: string;
  }
  interface Golden {
    readonly keys: Record<string, string>;
    readonly events: readonly [
      registered: GoldenEvent,
      joined: GoldenEvent,
      posted: GoldenEvent,
      ...others: GoldenEvent[],
    ];
  }
  const golden: Golden = JSON.parse(readFileSync(new URL('../fixtures/stored-events.json', import.meta.url), 'utf8'));
  const bytesOf = (subject: string) => Buffer.from(golden.keys[subject] as string, 'hex');
  const goldenKeys: KeyStore = {
    ...memoryKeys(),
    get: async (subjects) => new Map(subjects.map((subject) => [subject, bytesOf(subject)])),
  };

  test('are there of each type and version that is declared', () => {
    const declared = [...declaredEvents.values()].flatMap(({ type, version }) =>
      Array.from({ length: version }, (_, before) => `${type} ${before + 1}`),
    );
    const kept = golden.events.map(({ stored: { type, metadata } }) => `${type} ${JSON.parse(metadata).version}`);
    expect([...new Set(kept)].sort()).toEqual(declared.sort());
  });

  test.each(golden.events)(
    'hold what is personal sealed: $stored.type',
    ({ stored: { type, data: written }, data }) => {
      const { personal } = declaredEvents.get(type) as AnyEventDefinition;
      for (const field in personal) {
        expect(data[field]).not.toBeNull();
        expect(JSON.parse(written)[field]).toMatchObject({ $sealed: 'A256GCM' });
      }
    },
  );

  test.each(golden.events)('are still read: $stored.type', async ({ stored: written, data }) => {
    const [read] = await createCodec(goldenKeys).decode([{ ...written, position: BigInt(written.position) }]);
    expect(read?.data).toEqual(data);
    expect(read?.metadata).toEqual(JSON.parse(written.metadata));
  });

  test.each(golden.events)('still have the same hash: $stored.type', ({ stored: written, hash }) => {
    expect(hashEvent(written)).toBe(hash);
  });

  test('have the hash that its specification says', () => {
    const [{ stored: event, hash }] = golden.events;
    const { stream, revision, id, type, metadata, data } = event;
    const array = JSON.stringify([stream, revision, id, type, JSON.parse(metadata), JSON.parse(data)]);
    expect(createHash('sha256').update(array, 'utf8').digest('base64url')).toBe(hash);
  });

  test('are sealed as the specification says', () => {
    const [, , posted] = golden.events;
    const { $sealed, keys, value } = JSON.parse(posted.stored.data).text;
    expect($sealed).toBe('A256GCM');
    const sealed = Buffer.from(value, 'base64url');
    const decipher = createDecipheriv('aes-256-gcm', bytesOf(keys[0]), sealed.subarray(0, 12));
    decipher.setAAD(Buffer.from(`${posted.stored.id}:text`, 'utf8'));
    decipher.setAuthTag(sealed.subarray(-16));
    const plain = Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
    expect(JSON.parse(plain.toString('utf8'))).toBe(posted.data.text);
  });

  test('are chained by their hashes', () => {
    const heads = new Map<string, string>();
    for (const { stored: written, hash } of golden.events) {
      expect(JSON.parse(written.metadata).prevHash).toBe(heads.get(written.stream) ?? '');
      heads.set(written.stream, hash);
    }
  });
});

test('the declared events can be encoded', async () => {
  const codec = createCodec(memoryKeys());
  const event = MessagePosted({ authorId: ada, kind: 'message', text: 'hello' });
  expect((await codec.decode([await stored(codec, event)]))[0]?.data).toEqual(event.data);
});
