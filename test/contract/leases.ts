import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Lease } from '../../src/leases/lease.js';
import type { LeaseStore } from '../../src/leases/port.js';

/** What every lease store promises; `open` gives another handle on the same leases. */
export function leaseStoreContract(open: () => Promise<LeaseStore>): void {
  const record = { holder: 'one', epoch: 1, counter: 0, note: '' };
  let store: LeaseStore;
  let other: LeaseStore;
  /** So that tests on a server that is shared do not meet. */
  let name: string;
  beforeEach(async () => {
    [store, other] = [await open(), await open()];
    name = `test/${crypto.randomUUID()}`;
  });
  afterEach(async () => {
    await store.close();
    await other.close();
  });

  describe('a record', () => {
    it('is put where there is none, once', async () => {
      expect(await store.compareAndSet(name, undefined, record)).toBe(true);
      expect(await other.compareAndSet(name, undefined, { ...record, holder: 'two' })).toBe(false);
      expect(await other.read(name)).toEqual(record);
    });

    it('is replaced by whoever knows it as it is', async () => {
      await store.compareAndSet(name, undefined, record);
      const next = { ...record, counter: 1, note: '{"rows":[]}' };
      expect(await store.compareAndSet(name, record, next)).toBe(true);
      expect(await other.compareAndSet(name, record, { ...record, holder: 'two', epoch: 2 })).toBe(false);
      expect(await other.read(name)).toEqual(next);
    });

    it('is taken away by whoever knows it as it is', async () => {
      await store.compareAndSet(name, undefined, record);
      expect(await other.compareAndSet(name, { ...record, counter: 7 }, undefined)).toBe(false);
      expect(await other.compareAndSet(name, record, undefined)).toBe(true);
      expect(await store.read(name)).toBeUndefined();
    });

    it('has one winner of twenty', async () => {
      await store.compareAndSet(name, undefined, record);
      const tries = Array.from({ length: 20 }, (_, n) =>
        (n % 2 ? store : other).compareAndSet(name, record, { ...record, holder: String(n), epoch: 2 }),
      );
      expect((await Promise.all(tries)).filter((won) => won)).toHaveLength(1);
    });

    it('is listed by the beginning of its name', async () => {
      await store.compareAndSet(`${name}/a`, undefined, record);
      await store.compareAndSet(`${name}/b`, undefined, record);
      await store.compareAndSet(`${name}x`, undefined, record);
      expect([...(await other.list(`${name}/`)).keys()].sort()).toEqual([`${name}/a`, `${name}/b`]);
    });
  });

  describe('a lease', () => {
    const timing = { patienceMs: 200, intervalMs: 20, onError: (error: unknown) => expect.unreachable(String(error)) };

    it('is held by one at a time, and passed on when it is given back, with a higher epoch', async () => {
      const held: string[] = [];
      let inside = 0;
      const work = (holder: string) => async (epoch: number) => {
        inside += 1;
        expect(inside).toBe(1);
        held.push(`${holder} ${epoch}`);
        return {
          async stop() {
            inside -= 1;
          },
        };
      };
      const first = new Lease({ store, name, holder: 'one', ...timing });
      const second = new Lease({ store: other, name, holder: 'two', ...timing });
      await first.start(work('one'));
      await second.start(work('two'));
      await first.stop();
      await eventually(() => held.length === 2);
      await second.stop();
      expect(held).toEqual(['one 1', 'two 2']);
    });

    it('is taken from a holder that shows no sign of life', async () => {
      await store.compareAndSet(name, undefined, { ...record, holder: 'dead', epoch: 4 });
      const epochs: number[] = [];
      const lease = new Lease({ store: other, name, holder: 'two', ...timing });
      void lease.start(async (epoch) => {
        epochs.push(epoch);
        return { stop: async () => {} };
      });
      await eventually(() => epochs.length === 1);
      await lease.stop();
      expect(epochs).toEqual([5]);
    });

    it('ends the work of a holder that has lost it', async () => {
      const events: string[] = [];
      const lease = new Lease({ store, name, holder: 'one', ...timing });
      await lease.start(async () => {
        events.push('begun');
        return { stop: async () => void events.push('ended') };
      });
      await eventually(async () => {
        const kept = await other.read(name);
        return kept !== undefined && other.compareAndSet(name, kept, { ...kept, holder: 'thief', epoch: 9 });
      });
      await eventually(() => events.length === 2);
      await lease.stop();
    });

    it('is tried for again when the work has failed', async () => {
      const errors: unknown[] = [];
      let times = 0;
      const lease = new Lease({ store, name, holder: 'one', ...timing, onError: (error) => errors.push(error) });
      const begun = lease.start(async () => {
        times += 1;
        throw new Error('failed');
      });
      await expect(begun).rejects.toThrow('failed');
      expect(lease.failure).toEqual(new Error('failed'));
      await eventually(() => times >= 2);
      await lease.stop();
      expect(errors[0]).toEqual(new Error('failed'));
    });
  });
}

async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  await expect.poll(condition, { timeout: 20_000, interval: 5 }).toBe(true);
}
