import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { KeyStore } from '../../src/keys/port.js';

/** One set of keys, over which several stores may be open, as by several processes. */
export interface KeysUnderTest {
  open(): Promise<KeyStore>;
  remove(): Promise<void>;
}

/** What every adapter of the key store must do. */
export function keysContract(adapter: string, makeKeys: () => Promise<KeysUnderTest>): void {
  describe(`key store: ${adapter}`, () => {
    let keysUnderTest: KeysUnderTest;
    let keys: KeyStore;
    let stores: KeyStore[];

    const openAnother = async () => {
      const opened = await keysUnderTest.open();
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
  });
}
