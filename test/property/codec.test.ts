import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineEvent } from '../../domain/event.js';
import { SealBroken } from '../../src/event-store/codec.js';
import { createCodec } from '../../src/event-store/event-codec.js';
import { hashEvent } from '../../src/event-store/hash.js';
import { memoryKeys } from '../../src/keys/memory.js';
import { metadataOf, storedEvent } from '../fixtures/events.js';

const Said = defineEvent({
  type: 'tests.Said',
  data: z.strictObject({ speaker: z.string(), words: z.unknown(), aside: z.unknown() }),
  personal: { words: 'speaker' },
  audience: 'nobody',
});
const definitions = new Map([[Said.type, Said]]);

/** Any JSON value, also ones that look as if they were sealed. */
const json = fc.oneof(
  fc.jsonValue(),
  fc.record({
    $sealed: fc.constant('A256GCM'),
    keys: fc.array(fc.string(), { maxLength: 2 }),
    value: fc.base64String(),
  }),
);
const said = fc.record({ speaker: fc.string(), words: json, aside: json }).map((data) => Said(data));

/** What JSON makes of a value: it has no -0. */
const asJson = (value: unknown) => JSON.parse(JSON.stringify(value));

test('every event is decoded as it was encoded', async () => {
  const codec = createCodec(memoryKeys(), definitions);
  await fc.assert(
    fc.asyncProperty(fc.array(said, { minLength: 1, maxLength: 5 }), fc.uuid(), async (events, id) => {
      await codec.prepare(events);
      const page = events.map((event) => storedEvent(codec.encode(event, id, metadataOf())));
      const recorded = await codec.decode(page);
      expect(recorded.map(({ data }) => data)).toEqual(events.map(({ data }) => asJson(data)));
    }),
  );
});

test('no sealed value survives a changed bit', async () => {
  const codec = createCodec(memoryKeys(), definitions);
  const words = fc.jsonValue().filter((value) => value !== null);
  await fc.assert(
    fc.asyncProperty(words, fc.nat(), async (spoken, at) => {
      const event = Said({ speaker: 'ada', words: spoken, aside: null });
      await codec.prepare([event]);
      const stored = storedEvent(codec.encode(event, 'some-id', metadataOf()));
      const fields = JSON.parse(stored.data);
      const sealed = Buffer.from(fields.words.value, 'base64url');
      const bit = at % (sealed.length * 8);
      sealed[bit >> 3] = (sealed[bit >> 3] as number) ^ (1 << (bit & 7));
      fields.words.value = sealed.toString('base64url');
      await expect(codec.decode([{ ...stored, data: JSON.stringify(fields) }])).rejects.toThrow(SealBroken);
    }),
  );
});

test('two events have the same hash only if they are the same in every part', () => {
  const text = fc.oneof(fc.string(), fc.constantFrom('a', 'a"', '","', '\\', '[1]'));
  const event = fc.record({
    stream: text,
    revision: fc.nat(3),
    id: text,
    type: text,
    metadata: json.map((value) => JSON.stringify(value)),
    data: json.map((value) => JSON.stringify(value)),
  });
  fc.assert(
    fc.property(
      event,
      event,
      fc.subarray(['stream', 'revision', 'id', 'type', 'metadata', 'data']),
      (one, two, same) => {
        const other = { ...two, ...Object.fromEntries(same.map((part) => [part, one[part as keyof typeof one]])) };
        const equal = JSON.stringify(Object.entries(one).sort()) === JSON.stringify(Object.entries(other).sort());
        expect(hashEvent(one) === hashEvent(other)).toBe(equal);
      },
    ),
  );
});
