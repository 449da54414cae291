import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromKurrentEvent, toKurrentEvent } from '../../src/event-store/kurrentdb-events.js';
import type { EncodedEvent } from '../../src/event-store/port.js';

/** Whatever text an event holds: what comes back from KurrentDB is the same, byte for byte. */

const wellFormed = fc.string({ unit: 'binary' }).filter((text) => !/\p{Surrogate}/u.test(text));
const awkwardName = fc.constantFrom('10', '9', '01', '__proto__', 'constructor', 'toString', 'ä', 'Z', 'a', '', '~');
const names = fc.oneof(
  awkwardName,
  wellFormed.filter((name) => !name.startsWith('$')),
);
const metadata = fc
  .uniqueArray(fc.tuple(names, wellFormed), { selector: ([name]) => name })
  .map((fields) => `{${fields.sort(byName).map(member).join(',')}}`);
const encoded: fc.Arbitrary<EncodedEvent> = fc.record({
  id: fc.uuid(),
  type: fc.constant('tests.SomethingHappened'),
  data: fc.oneof(
    fc.json({ stringUnit: 'binary' }),
    fc.constantFrom('{"b":1,"a":1}', '{"2":1,"1":1}', ' [1.0, 1e2 ] ', '"\\ud800"', '"\\u00e4"', '\uFEFF{}'),
  ),
  metadata,
});

const byName = ([a]: [string, string], [b]: [string, string]) => (a < b ? -1 : 1);
const member = ([name, value]: [string, string]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`;

/** The flat map as the server gives it back: in another order, with what it adds. */
function throughServer(fields: Record<string, string>): unknown {
  const kept = [['$schema.name', 'tests.SomethingHappened'], ...Object.entries(fields).reverse()];
  return JSON.parse(
    `{${[...kept, ['$schema.format', 'Bytes']].map((each) => member(each as [string, string])).join(',')}}`,
  );
}

describe('an event that was in KurrentDB', () => {
  it('has the same texts as before', () => {
    fc.assert(
      fc.property(encoded, (event) => {
        const written = toKurrentEvent(event);
        const read = {
          ...written,
          streamId: 'parley.thing-1',
          isJson: false,
          revision: 3n,
          created: new Date(),
          position: { commit: 77n, prepare: 77n },
          metadata: throughServer(written.metadata),
        };
        const stored = fromKurrentEvent(read as Parameters<typeof fromKurrentEvent>[0], 'thing-1');
        expect(stored).toEqual({ ...event, stream: 'thing-1', revision: 3, position: 77n });
      }),
    );
  });

  it.each([
    ['whose keys are not sorted', '{"b":"1","a":"2"}'],
    ['with white space', '{ "a":"1" }'],
    ['that are no strings', '{"a":1}'],
    ['that are nested', '{"a":{"b":"c"}}'],
    ['of a reserved name', '{"$schema.name":"x"}'],
    ['with half a character', '{"a":"\\ud800"}'],
    ['that are no object', '[]'],
  ])('is refused with metadata %s: they would come back as another text', (_what, text) => {
    const event = { id: crypto.randomUUID(), type: 'tests.SomethingHappened', data: '{}', metadata: text };
    expect(() => toKurrentEvent(event)).toThrow('no flat map of strings');
  });
});
