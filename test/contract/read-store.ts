import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Document,
  type DocumentWrite,
  type Generation,
  GenerationGone,
  NotIndexed,
  type ProjectionShape,
  type ReadStore,
} from '../../src/read-store/port.js';

/** A place where a read store lies; opening it again, or twice at once, finds what was written. */
export interface ReadStorePlace {
  open(): Promise<ReadStore>;
  remove(): Promise<void>;
}

export interface ReadStoreTraits {
  /** Whether a read sees one moment of the store, and the documents of a write appear together. */
  readonly hasMoments: boolean;
}

const fruits: ProjectionShape = {
  name: 'fruits',
  version: 1,
  collections: [
    {
      name: 'apples',
      indexes: [['colour', 'weight'], ['origin.country'], ['ripe'], ['none'], ['seller.id']],
      personal: { picker: ['note'], 'seller.id': ['seller.name'] },
    },
    { name: 'pears', indexes: [] },
  ],
};

const apple = (id: string, document: Document | undefined): DocumentWrite => ({ collection: 'apples', id, document });

/** What every read store must do. */
export function describeReadStore(
  adapter: string,
  { hasMoments }: ReadStoreTraits,
  makePlace: () => Promise<ReadStorePlace>,
): void {
  describe(`the read store in ${adapter}`, () => {
    let place: ReadStorePlace;
    let store: ReadStore;
    let live: Generation;

    beforeEach(async () => {
      place = await makePlace();
      store = await place.open();
      live = await store.open(fruits);
    });

    afterEach(async () => {
      await store.close();
      await place.remove();
    });

    const get = (id: string) => store.read((reader) => reader.get('apples', id));
    const dumped = async (generation: Generation) => {
      const found = [];
      for await (const entry of store.dump(generation)) found.push(entry);
      return found;
    };

    describe('writing', () => {
      it('makes documents and the checkpoint visible together', async () => {
        await store.write(live, [apple('a', { colour: 'red' }), apple('b', { colour: 'green' })], 7n);
        expect(await get('a')).toEqual({ colour: 'red' });
        expect(await get('b')).toEqual({ colour: 'green' });
        expect(await store.checkpoint(live)).toBe(7n);
        expect(await store.liveCheckpoint('fruits')).toBe(7n);
      });

      it('replaces and deletes documents', async () => {
        await store.write(live, [apple('a', { colour: 'red', weight: 1 }), apple('b', { colour: 'green' })], 1n);
        await store.write(live, [apple('a', { weight: 2 }), apple('b', undefined)], 2n);
        expect(await get('a')).toEqual({ weight: 2 });
        expect(await get('b')).toBeUndefined();
      });

      it('moves the checkpoint where there is nothing to write', async () => {
        await store.write(live, [], 9n);
        expect(await store.checkpoint(live)).toBe(9n);
      });

      it('changes nothing where the position was reached before', async () => {
        await store.write(live, [apple('a', { colour: 'red' })], 5n);
        await store.write(live, [apple('a', { colour: 'blue' }), apple('b', {})], 5n);
        await store.write(live, [apple('a', { colour: 'blue' }), apple('b', {})], 4n);
        expect(await get('a')).toEqual({ colour: 'red' });
        expect(await get('b')).toBeUndefined();
        expect(await store.checkpoint(live)).toBe(5n);
      });

      it('keeps positions that a number does not hold exactly', async () => {
        const position = 2n ** 53n + 1n;
        await store.write(live, [], position);
        expect(await store.checkpoint(live)).toBe(position);
      });

      it('keeps what was written when it is opened again', async () => {
        await store.write(live, [apple('a', { colour: 'red' })], 3n);
        await store.close();
        store = await place.open();
        expect(await store.open(fruits)).toEqual(live);
        expect(await store.checkpoint(live)).toBe(3n);
        expect(await get('a')).toEqual({ colour: 'red' });
      });

      it('takes any text in ids and documents, and many documents at once', async () => {
        const strange = `'"\\ \n é\u{1F600};--`;
        const broken = '\u0000\uD800';
        const writes = Array.from({ length: 1_000 }, (_, n) => apple(`${n} ${strange}`, { [strange]: broken, n }));
        await store.write(live, writes, 1n);
        expect(await get(`999 ${strange}`)).toEqual({ [strange]: broken, n: 999 });
        expect(await dumped(live)).toHaveLength(1_000);
      });

      it('keeps whatever fields and ids are called', async () => {
        const names = [
          '__proto__',
          'constructor',
          '$set',
          '$where',
          'a.b',
          '.',
          '',
          '\u0000',
          ' ',
          '\uD800',
          '0',
          '_id',
        ];
        const document = JSON.parse(`{${names.map((name) => `${JSON.stringify(name)}:{"$gt":null}`).join(',')}}`);
        const ids = ['__proto__', 'constructor', '$set', 'a.b', '.', '..', ' ', '0', 'ä/ö', '\uFFFF'];
        await store.write(
          live,
          ids.map((id) => apple(id, document)),
          1n,
        );
        const loaded = await store.load(live, 'apples', ids);
        const gotten = await store.read((reader) => reader.getMany('apples', ids));
        for (const id of ids) {
          for (const found of [loaded.get(id)?.document, gotten.get(id), await get(id)]) {
            expect(JSON.stringify(found)).toBe(JSON.stringify(document));
          }
        }
        expect((await dumped(live)).map(({ id }) => id)).toEqual([...ids].sort());
      });

      it('keeps documents as they were given, byte for byte', async () => {
        const document = { z: 1.5, a: [1, null, true, 'x'], nested: { y: -0.25, empty: {} }, large: 9007199254740991 };
        await store.write(live, [apple('a', document)], 1n);
        expect(JSON.stringify(await get('a'))).toBe(JSON.stringify(document));
      });

      it('can put documents without moving the checkpoint', async () => {
        await store.write(live, [], 5n);
        await store.put(live, [apple('a', { colour: 'red' })]);
        await store.put(live, [apple('a', { colour: 'blue' })]);
        expect(await get('a')).toEqual({ colour: 'blue' });
        expect(await store.checkpoint(live)).toBe(5n);
      });

      it('takes writes of several projections at once', async () => {
        const stones = { name: 'stones', version: 1, collections: [{ name: 'marbles', indexes: [] }] };
        const other = await store.open(stones);
        await Promise.all([
          store.write(live, [apple('a', {})], 4n),
          store.write(other, [{ collection: 'marbles', id: 'm', document: {} }], 4n),
          store.write(live, [apple('b', {})], 5n),
        ]);
        expect(await store.liveCheckpoint('fruits')).toBe(5n);
        expect(await store.liveCheckpoint('stones')).toBe(4n);
        expect(await store.read((reader) => reader.get('marbles', 'm'))).toEqual({});
      });
    });

    describe('written by several processes', () => {
      let other: ReadStore;
      beforeEach(async () => {
        other = await place.open();
        await other.open(fruits);
      });
      afterEach(() => other.close());

      it('is not changed by one that is behind', async () => {
        await store.write(live, [apple('a', { colour: 'red' }), apple('b', undefined), apple('c', {})], 10n);
        await other.write(live, [apple('a', { colour: 'blue' }), apple('b', {}), apple('d', {})], 8n);
        expect(await dumped(live)).toEqual([
          { collection: 'apples', id: 'a', document: { colour: 'red' } },
          { collection: 'apples', id: 'c', document: {} },
        ]);
        expect(await other.checkpoint(live)).toBe(10n);
      });

      it('has what the one that is ahead has made of each document, in whatever order they write', async () => {
        for (let round = 0; round < 10; round += 1) {
          const at = BigInt(round * 10);
          const writes = [store, other, store, other].map((each, n) =>
            each.write(live, [apple('a', { n: n + round * 10 }), apple(`${round}`, { n })], at + BigInt(n + 1)),
          );
          await Promise.all(writes);
          expect(await store.checkpoint(live)).toBe(at + 4n);
          expect(await get('a')).toEqual({ n: round * 10 + 3 });
          expect(await get(`${round}`)).toEqual({ n: 3 });
        }
      });

      it('is refused to one whose generation was replaced by another one', async () => {
        const next = await store.begin(fruits);
        await store.promote(next);
        await expect(other.write(live, [apple('a', {})], 5n)).rejects.toThrow(GenerationGone);
        expect(await other.open(fruits)).toEqual(next);
        await other.write(next, [apple('b', {})], 5n);
        expect((await dumped(next)).map(({ id }) => id)).toEqual(['b']);
      });

      it('has one live generation, however many open it at first', async () => {
        const stones = { name: 'stones', version: 1, collections: [{ name: 'marbles', indexes: [['size']] }] };
        const opened = await Promise.all([store, other, store, other].map((each) => each.open(stones)));
        for (const generation of opened) expect(generation).toEqual(opened[0]);
      });

      it('has one next generation, however many begin it', async () => {
        const begun = await Promise.all([store, other, store, other].map((each) => each.begin(fruits)));
        const numbers = begun.map(({ generation }) => generation);
        expect(new Set(numbers).size).toBe(numbers.length);
        const writing = await Promise.allSettled(
          begun.map((generation) => store.write(generation, [apple('a', {})], 1n)),
        );
        const last = numbers.indexOf(Math.max(...numbers));
        for (const [index, { status }] of writing.entries()) expect(status === 'fulfilled').toBe(index === last);
      });
    });

    describe('loading for a fold', () => {
      it('tells of each id the document, or that there is none, and what is folded in already', async () => {
        await store.write(live, [apple('a', { colour: 'red' })], 5n);
        const loaded = await store.load(live, 'apples', ['a', 'b']);
        expect(loaded.get('a')).toEqual({ document: { colour: 'red' }, position: 5n });
        expect(loaded.get('b')?.document).toBeUndefined();
        expect(loaded.size).toBe(2);
      });

      it('tells of what was deleted that there is none', async () => {
        await store.write(live, [apple('a', { colour: 'red' })], 5n);
        await store.write(live, [apple('a', undefined)], 6n);
        expect(await store.load(live, 'apples', ['a'])).toEqual(
          new Map([['a', { document: undefined, position: 6n }]]),
        );
      });

      it('loads thousands', async () => {
        const ids = Array.from({ length: 2_500 }, (_, n) => `${n}`);
        await store.write(
          live,
          ids.map((id) => apple(id, { id })),
          1n,
        );
        const loaded = await store.load(live, 'apples', ids);
        expect([...loaded].every(([id, { document }]) => document?.id === id)).toBe(true);
        expect(loaded.size).toBe(2_500);
      });
    });

    describe('finding the documents that name someone', () => {
      it('finds those of a generation, live or not', async () => {
        await store.write(live, [apple('a', { picker: 'ann' }), apple('b', { picker: 'bob' })], 1n);
        const next = await store.begin(fruits);
        await store.write(
          next,
          [apple('c', { picker: 'ann', n: 1 }), apple('d', { picker: 'ann' }), apple('e', {})],
          1n,
        );
        await store.write(next, [apple('d', undefined), apple('f', { picker: 'ann' })], 2n);
        expect(await store.idsNaming(live, 'apples', 'picker', 'ann')).toEqual(['a']);
        expect((await store.idsNaming(next, 'apples', 'picker', 'ann')).sort()).toEqual(['c', 'f']);
        expect(await store.idsNaming(next, 'apples', 'picker', 'eve')).toEqual([]);
      });

      it('finds thousands among thousands, also by a nested field that has an index', async () => {
        const ids = Array.from({ length: 5_001 }, (_, n) => `${n}`);
        const writes = ids.map((id, n) =>
          apple(id, { picker: n % 2 ? 'ann' : 'bob', seller: { id: n % 3 ? 'ann' : 'eve' } }),
        );
        for (let from = 0; from < writes.length; from += 250) {
          await store.write(live, writes.slice(from, from + 250), BigInt(from + 1));
        }
        const named = async (field: string, person: string) =>
          new Set(await store.idsNaming(live, 'apples', field, person));
        expect(await named('picker', 'ann')).toEqual(new Set(ids.filter((_, n) => n % 2)));
        expect(await named('seller.id', 'eve')).toEqual(new Set(ids.filter((_, n) => n % 3 === 0)));
      });

      it('says so where the generation is gone', async () => {
        await store.promote(await store.begin(fruits));
        await expect(store.idsNaming(live, 'apples', 'picker', 'ann')).rejects.toThrow(GenerationGone);
      });
    });

    describe('generations', () => {
      it('shows readers the live generation only', async () => {
        await store.write(live, [apple('a', { colour: 'red' })], 5n);
        const next = await store.begin(fruits);
        await store.write(next, [apple('a', { colour: 'blue' })], 3n);
        expect(await get('a')).toEqual({ colour: 'red' });
        expect(await store.liveCheckpoint('fruits')).toBe(5n);
        expect(await store.checkpoint(next)).toBe(3n);
        expect((await store.load(next, 'apples', ['a'])).get('a')?.document).toEqual({ colour: 'blue' });
      });

      it('promotes the next one in one step and drops the others', async () => {
        await store.write(live, [apple('a', { colour: 'red' }), apple('b', {})], 5n);
        const next = await store.begin(fruits);
        await store.write(next, [apple('a', { colour: 'blue' })], 6n);
        await store.promote(next);
        expect(await get('a')).toEqual({ colour: 'blue' });
        expect(await get('b')).toBeUndefined();
        expect(await store.liveCheckpoint('fruits')).toBe(6n);
        expect(await store.open(fruits)).toEqual(next);
      });

      it('refuses writes and loads of a generation that was dropped', async () => {
        const next = await store.begin(fruits);
        await store.promote(next);
        await expect(store.write(live, [apple('a', {})], 1n)).rejects.toThrow(GenerationGone);
        await expect(store.put(live, [apple('a', {})])).rejects.toThrow(GenerationGone);
        await expect(store.load(live, 'apples', ['a'])).rejects.toThrow(GenerationGone);
        await expect(store.checkpoint(live)).rejects.toThrow(GenerationGone);
        await expect(store.promote(live)).rejects.toThrow(GenerationGone);
        expect(await get('a')).toBeUndefined();
      });

      it('still writes the others when one of the writes at once is refused', async () => {
        const next = await store.begin(fruits);
        await store.promote(next);
        const [refused, written] = await Promise.allSettled([
          store.write(live, [apple('a', {})], 1n),
          store.write(next, [apple('b', {})], 1n),
        ]);
        expect(refused.status).toBe('rejected');
        expect(written.status).toBe('fulfilled');
        expect(await get('b')).toEqual({});
      });

      it('drops an unfinished generation when another one is begun', async () => {
        const unfinished = await store.begin(fruits);
        const next = await store.begin(fruits);
        expect(next.generation).not.toBe(unfinished.generation);
        await expect(store.write(unfinished, [], 1n)).rejects.toThrow(GenerationGone);
        await store.write(next, [], 1n);
      });

      it('discards a generation, but never the live one', async () => {
        const next = await store.begin(fruits);
        await store.discard(next);
        await store.discard(live);
        await expect(store.checkpoint(next)).rejects.toThrow(GenerationGone);
        expect(await store.checkpoint(live)).toBe(0n);
      });

      it('discards all that is unfinished of a projection, but never the live one, nor those of others', async () => {
        await store.write(live, [apple('a', { colour: 'red' })], 5n);
        const another = { ...fruits, name: 'vegetables', collections: [{ name: 'beans', indexes: [] }] };
        await store.open(another);
        const [next, beside] = [await store.begin(fruits), await store.begin(another)];
        await store.discardUnfinished(fruits.name);
        await store.discardUnfinished(fruits.name);
        await expect(store.write(next, [], 1n)).rejects.toThrow(GenerationGone);
        expect(await get('a')).toEqual({ colour: 'red' });
        await store.write(beside, [], 1n);
      });

      it('goes on serving a generation of another version until its successor is promoted', async () => {
        await store.write(live, [apple('a', { colour: 'red' })], 5n);
        const changed = { ...fruits, version: 2, collections: [...fruits.collections, { name: 'plums', indexes: [] }] };
        expect((await store.open(changed)).version).toBe(1);
        expect(await get('a')).toEqual({ colour: 'red' });
        expect(await store.read((reader) => reader.get('plums', 'p'))).toBeUndefined();
        const next = await store.begin(changed);
        expect(next.version).toBe(2);
        await store.promote(next);
        expect(await store.open(changed)).toEqual(next);
        expect(await get('a')).toBeUndefined();
      });

      it('shows a read that has begun the generation that it began with', async () => {
        await store.write(live, [apple('a', { colour: 'red' }), apple('b', { colour: 'red' })], 5n);
        const next = await store.begin(fruits);
        await store.write(next, [apple('a', { colour: 'blue' }), apple('b', { colour: 'blue' })], 5n);
        const seen = await store.read(async (reader) => {
          const before = await reader.get('apples', 'a');
          await store.promote(next);
          return [before, await reader.get('apples', 'b')];
        });
        expect(seen).toEqual([{ colour: 'red' }, { colour: 'red' }]);
        expect(await get('b')).toEqual({ colour: 'blue' });
      });

      it('dumps everything in the order of collection and id', async () => {
        await store.write(
          live,
          [{ collection: 'pears', id: 'p', document: { n: 3 } }, apple('b', { n: 2 }), apple('a', { n: 1 })],
          1n,
        );
        expect(await dumped(live)).toEqual([
          { collection: 'apples', id: 'a', document: { n: 1 } },
          { collection: 'apples', id: 'b', document: { n: 2 } },
          { collection: 'pears', id: 'p', document: { n: 3 } },
        ]);
      });
    });

    describe('reading', () => {
      const weights = [3, 1, 2, 2, 5, 4];
      beforeEach(() =>
        store.write(
          live,
          weights.map((weight, n) =>
            apple(`a${n}`, { colour: n === 5 ? 'green' : 'red', weight, ripe: n < 2, origin: { country: `c${n}` } }),
          ),
          1n,
        ),
      );
      const find = async (query: Parameters<Parameters<Parameters<ReadStore['read']>[0]>[0]['find']>[1]) =>
        (await store.read((reader) => reader.find('apples', query))).map(({ id }) => id);

      it('gets several documents by id and leaves out those that are not there', async () => {
        const found = await store.read((reader) => reader.getMany<{ weight: number }>('apples', ['a1', 'a4', 'none']));
        expect([...found].map(([id, { weight }]) => [id, weight])).toEqual([
          ['a1', 1],
          ['a4', 5],
        ]);
      });

      it('finds by fields, nested ones too', async () => {
        expect(await find({ where: { colour: 'green' }, limit: 10 })).toEqual(['a5']);
        expect(await find({ where: { 'origin.country': 'c3' }, limit: 10 })).toEqual(['a3']);
        expect(await find({ where: { ripe: true }, limit: 10 })).toEqual(['a0', 'a1']);
        expect(await find({ where: { none: null }, limit: 2 })).toEqual(['a0', 'a1']);
      });

      it('finds between ids', async () => {
        expect(await find({ idAfter: 'a1', idBefore: 'a4', limit: 10 })).toEqual(['a2', 'a3']);
        expect(await find({ idBefore: 'a3', descending: true, limit: 2 })).toEqual(['a2', 'a1']);
      });

      it('orders by a field and then by id', async () => {
        const query = { where: { colour: 'red' }, orderBy: 'weight', limit: 10 };
        expect(await find(query)).toEqual(['a1', 'a2', 'a3', 'a0', 'a4']);
        expect(await find({ ...query, descending: true })).toEqual(['a4', 'a0', 'a3', 'a2', 'a1']);
      });

      it.each([false, true])(
        'pages through equal values without losing or doubling one (descending: %s)',
        async (descending) => {
          const query = { where: { colour: 'red' }, orderBy: 'weight', descending };
          const whole = await find({ ...query, limit: 10 });
          const paged: string[] = [];
          for (;;) {
            const last = paged.at(-1);
            const after = last && { after: { id: last, value: weights[Number(last.slice(1))] as number } };
            const page = await find({ ...query, ...after, limit: 1 });
            if (page.length === 0) break;
            paged.push(...page);
          }
          expect(paged).toEqual(whole);
        },
      );

      it('pages by id', async () => {
        expect(await find({ after: { id: 'a3', value: 'a3' }, limit: 10 })).toEqual(['a4', 'a5']);
        expect(await find({ after: { id: 'a3', value: 'a3' }, descending: true, limit: 2 })).toEqual(['a2', 'a1']);
      });

      it('refuses to look for what no index has', async () => {
        await expect(find({ where: { name: 'x' }, limit: 1 })).rejects.toThrow(NotIndexed);
        await expect(find({ where: { 'origin.town': 'x' }, limit: 1 })).rejects.toThrow(NotIndexed);
        await expect(find({ orderBy: 'name', limit: 1 })).rejects.toThrow("apples can't be searched by name");
      });

      it('refuses a collection that nobody opened', async () => {
        await expect(store.read((reader) => reader.get('cherries', 'c'))).rejects.toThrow('cherries');
      });

      it('never shows a document before those that were written ahead of it', async () => {
        let writing = true;
        const written = (async () => {
          for (let n = 2; n <= 30; n += 1) {
            const pears = Array.from({ length: 20 }, (_, id) => ({
              collection: 'pears',
              id: `${id}`,
              document: { n },
            }));
            await store.write(live, [...pears, apple('head', { n })], BigInt(n));
          }
          writing = false;
        })();
        while (writing) {
          const [head, pears] = await store.read(async (reader) => [
            (await reader.get<{ n: number }>('apples', 'head'))?.n ?? 0,
            await reader.find<{ n: number }>('pears', { limit: 100 }),
          ]);
          expect(Math.min(...pears.map(({ document }) => document.n), 30)).toBeGreaterThanOrEqual(head);
          if (head > 0) expect(pears).toHaveLength(20);
          await setImmediate();
        }
        await written;
      });

      it.runIf(hasMoments)('sees one moment from the first read to the last', async () => {
        const seen = await store.read(async (reader) => {
          const before = await reader.get('apples', 'a0');
          await store.write(live, [apple('a0', { weight: 99 }), apple('a1', undefined)], 2n);
          return [before, await reader.get('apples', 'a0'), (await reader.get('apples', 'a1')) !== undefined];
        });
        expect(seen[1]).toEqual(seen[0]);
        expect(seen[2]).toBe(true);
        expect(await get('a0')).toEqual({ weight: 99 });
      });

      it.runIf(hasMoments)('keeps the moments of many reads at once apart', async () => {
        await store.write(live, [apple('x', { n: 0 }), apple('y', { n: 0 })], 2n);
        const readers = Array.from({ length: 30 }, (_, n) =>
          store.read(async (reader) => {
            const x = await reader.get<{ n: number }>('apples', 'x');
            if (n % 3 === 0) await store.write(live, [apple('x', { n }), apple('y', { n })], BigInt(n + 3));
            const y = await reader.get<{ n: number }>('apples', 'y');
            return x?.n === y?.n;
          }),
        );
        expect(new Set(await Promise.all(readers))).toEqual(new Set([true]));
      });
    });
  });
}
