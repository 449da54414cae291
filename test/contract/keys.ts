import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { MasterKey } from '../../src/keys/master-keys.js';
import { type KeyStore, KeysUnusable } from '../../src/keys/port.js';

/** One set of keys, over which several stores may be open, as by several processes. */
export interface KeysUnderTest {
  open(masterKeys: readonly MasterKey[]): Promise<KeyStore>;
  remove(): Promise<void>;
}

const first: MasterKey = { version: 1, key: Buffer.alloc(32, 'first') };
const second: MasterKey = { version: 2, key: Buffer.alloc(32, 'second') };
const third: MasterKey = { version: 3, key: Buffer.alloc(32, 'third') };

/** What every adapter of the key store must do. */
export function keysContract(adapter: string, makeKeys: () => Promise<KeysUnderTest>): void {
  describe(`key store: ${adapter}`, () => {
    let keysUnderTest: KeysUnderTest;
    let keys: KeyStore;
    let stores: KeyStore[];

    const openAnother = async (...masterKeys: MasterKey[]) => {
      const opened = await keysUnderTest.open(masterKeys.length === 0 ? [first] : masterKeys);
      stores.push(opened);
      return opened;
    };

    beforeEach(async () => {
      keysUnderTest = await makeKeys();
      stores = [];
      keys = await openAnother();
    });

    afterEach(async () => {
      for (const opened of stores) await opened.close();
      await keysUnderTest.remove();
    });

    test('makes a key of 32 bytes for each subject, and leaves out those who have none', async () => {
      await keys.ensure(['ada', 'bob', 'ada']);
      const found = await keys.get(['ada', 'bob', 'eve']);
      expect([...found.keys()].sort()).toEqual(['ada', 'bob']);
      for (const key of found.values()) expect(key).toHaveLength(32);
      expect(found.get('ada')).not.toEqual(found.get('bob'));
    });

    test('keeps the key that a subject has', async () => {
      await keys.ensure(['ada']);
      const before = await keys.get(['ada']);
      await keys.ensure(['ada', 'bob']);
      expect((await keys.get(['ada'])).get('ada')).toEqual(before.get('ada'));
    });

    test('gives one key to all who ensure it at once', async () => {
      const other = await openAnother();
      const seen = await Promise.all(
        [keys, other, keys, other].map(async (store) => {
          await store.ensure(['ada', 'bob']);
          return store.get(['ada', 'bob']);
        }),
      );
      for (const found of seen) expect(found).toEqual(await keys.get(['ada', 'bob']));
    });

    test('makes thousands of keys', async () => {
      const subjects = Array.from({ length: 2_500 }, (_, index) => `person ${index}`);
      await keys.ensure(subjects);
      const found = await keys.get(subjects);
      expect(new Set([...found.values()].map((key) => key?.toString('hex'))).size).toBe(2_500);
    });

    test('never gives a destroyed key back, nor a new one in its place', async () => {
      await keys.ensure(['ada', 'bob']);
      await keys.destroy(['ada']);
      await keys.destroy(['ada']);
      await keys.ensure(['ada']);
      const found = await (await openAnother()).get(['ada', 'bob']);
      expect(found.get('ada')).toBeNull();
      expect(found.get('bob')).toHaveLength(32);
    });

    test('lets a subject be forgotten who never had a key', async () => {
      await keys.destroy(['ada']);
      await keys.ensure(['ada']);
      expect((await keys.get(['ada'])).get('ada')).toBeNull();
    });

    test('destroys many keys at once', async () => {
      const subjects = Array.from({ length: 2_500 }, (_, index) => `person ${index}`);
      await keys.ensure(['ada', ...subjects]);
      await keys.destroy(subjects);
      const found = await keys.get(['ada', ...subjects]);
      expect(found.get('ada')).toHaveLength(32);
      expect(subjects.filter((subject) => found.get(subject) !== null)).toEqual([]);
    });

    test('goes on making keys while others are destroyed', async () => {
      await keys.ensure(['ada']);
      const other = await openAnother();
      const subjects = Array.from({ length: 50 }, (_, index) => `person ${index}`);
      await Promise.all([keys.destroy(['ada']), ...subjects.map((subject) => other.ensure([subject]))]);
      expect((await keys.get([...subjects, 'ada'])).size).toBe(51);
    });

    test('makes each secret once, and keeps it', async () => {
      const other = await openAnother();
      const [ours, theirs] = await Promise.all([keys.secret('reservations'), other.secret('reservations')]);
      expect(ours).toHaveLength(32);
      expect(theirs).toEqual(ours);
      expect(await keys.secret('reservations')).toEqual(ours);
      expect(await keys.secret('commands')).not.toEqual(ours);
    });

    test('keeps keys, tombstones and secrets after it is closed and opened again', async () => {
      await keys.ensure(['ada', 'bob']);
      await keys.destroy(['bob']);
      const [found, secret] = [await keys.get(['ada', 'bob']), await keys.secret('commands')];
      await keys.close();
      stores = [];
      const again = await openAnother();
      expect(await again.get(['ada', 'bob'])).toEqual(found);
      expect(await again.secret('commands')).toEqual(secret);
    });

    describe('a master key', () => {
      const people = Array.from({ length: 1_200 }, (_, index) => `person ${index}`);

      test('is noticed to be the wrong one', async () => {
        const wrong = keysUnderTest.open([{ version: 1, key: Buffer.alloc(32, 'wrong') }]);
        await expect(wrong).rejects.toThrow(KeysUnusable);
        await expect(wrong).rejects.toThrow('was made with another master key 1: give that one.');
      });

      test('has 32 bytes', async () => {
        const short = keysUnderTest.open([{ version: 1, key: Buffer.alloc(16) }]);
        await expect(short).rejects.toThrow('has 16 bytes, not 32');
        await expect(keysUnderTest.open([])).rejects.toThrow('no master key');
      });

      test('must be given while any key or secret is under it', async () => {
        await keys.ensure(['ada']);
        await expect(keysUnderTest.open([second])).rejects.toThrow(KeysUnusable);
        await expect(keysUnderTest.open([second])).rejects.toThrow(
          'holds keys under master key 1: give that one, too.',
        );
        await keys.destroy(['ada']);
        await openAnother(second);
        await (await openAnother(first, second)).secret('commands');
        await expect(keysUnderTest.open([first])).rejects.toThrow('holds keys under master key 2');
      });

      test('can not be another one under the version of one that was left out', async () => {
        await openAnother(second);
        const wrong = keysUnderTest.open([{ version: 1, key: Buffer.alloc(32, 'wrong') }, second]);
        await expect(wrong).rejects.toThrow('was made with another master key 1');
      });

      test('can be followed by a newer one, under which new keys are made; those before stay what they are', async () => {
        await keys.ensure(['ada']);
        const before = await keys.get(['ada']);
        const after = await openAnother(second, first);
        await after.ensure(['ada', 'bob']);
        await after.secret('commands');
        expect((await after.get(['ada'])).get('ada')).toEqual(before.get('ada'));
        expect((await after.get(['bob'])).get('bob')).toHaveLength(32);
        expect(await after.countByMasterKey()).toEqual(
          new Map([
            [1, 1],
            [2, 2],
          ]),
        );
      });

      test('makes no keys beside a newer one, but still opens its own', async () => {
        await keys.ensure(['ada']);
        const secret = await keys.secret('reservations');
        const after = await openAnother(first, second);
        await expect(keys.ensure(['bob'])).rejects.toThrow(KeysUnusable);
        await expect(keys.ensure(['bob'])).rejects.toThrow('has a newer master key 2: give that one, too.');
        await expect(keys.secret('commands')).rejects.toThrow('has a newer master key 2');
        expect(await keys.get(['ada', 'bob'])).toEqual(await after.get(['ada']));
        expect(await keys.secret('reservations')).toEqual(secret);
        await keys.ensure(['ada']);
        await after.ensure(['bob']);
        await expect(keys.get(['bob'])).rejects.toThrow('holds keys under master key 2: give that one, too.');
      });

      test('can be left out once all keys were wrapped by a newer one', async () => {
        await keys.ensure(people);
        await keys.destroy(people.slice(0, 10));
        const [found, secret] = [await keys.get(people), await keys.secret('reservations')];
        const after = await openAnother(first, second);
        const told: number[] = [];
        expect(await after.rewrap({ onProgress: (done) => told.push(done) })).toBe(people.length - 10 + 1);
        expect(told.at(-1)).toBe(people.length - 10 + 1);
        expect(told).toEqual(told.toSorted((one, other) => one - other));
        expect(await after.countByMasterKey()).toEqual(new Map([[2, people.length - 10 + 1]]));
        const alone = await openAnother(second);
        expect(await alone.get(people)).toEqual(found);
        expect(await alone.secret('reservations')).toEqual(secret);
        expect(await alone.rewrap()).toBe(0);
      });

      test('can follow several at once', async () => {
        await keys.ensure(['ada']);
        await (await openAnother(first, second)).ensure(['bob']);
        const all = await openAnother(first, second, third);
        const found = await all.get(['ada', 'bob']);
        expect(await all.rewrap()).toBe(2);
        expect(await (await openAnother(third)).get(['ada', 'bob'])).toEqual(found);
      });

      test('gives way where it was stopped before', async () => {
        await keys.ensure(people);
        const found = await keys.get(people);
        const after = await openAnother(first, second);
        const stop = new AbortController();
        const stopped = after.rewrap({ signal: stop.signal, onProgress: () => stop.abort(new Error('stopped')) });
        await expect(stopped).rejects.toThrow('stopped');
        const counts = await after.countByMasterKey();
        const left = counts.get(1) as number;
        expect(left).toBeGreaterThan(0);
        expect(left).toBeLessThan(people.length);
        expect(await after.get(people)).toEqual(found);
        expect(await after.rewrap()).toBe(left);
        expect(await (await openAnother(second)).get(people)).toEqual(found);
      });

      test('gives way while others read, make and destroy keys', async () => {
        await keys.ensure(people);
        const found = await keys.get(people);
        const [one, other] = [await openAnother(first, second), await openAnother(first, second)];
        const destroyed = people.filter((_, index) => index % 3 === 0);
        const kept = people.filter((_, index) => index % 3 !== 0);
        const work = async () => {
          for (let round = 0; round < 5; round += 1) {
            await other.destroy(destroyed.slice(round * 80, (round + 1) * 80));
            await other.ensure([`newcomer ${round}`]);
            const read = await other.get(kept);
            for (const subject of kept) expect(read.get(subject)).toEqual(found.get(subject));
          }
        };
        await Promise.all([one.rewrap(), other.rewrap(), work()]);
        await one.rewrap();
        const alone = await openAnother(second);
        const left = await alone.get(people);
        expect(destroyed.filter((subject) => left.get(subject) !== null)).toEqual([]);
        for (const subject of kept) expect(left.get(subject)).toEqual(found.get(subject));
        expect(await alone.countByMasterKey()).toEqual(new Map([[2, kept.length + 5]]));
      });
    });
  });
}
