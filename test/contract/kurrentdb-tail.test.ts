import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { KurrentConnection } from '../../src/event-store/kurrentdb-connection.js';
import { KurrentNamespace } from '../../src/event-store/kurrentdb-namespace.js';
import { KurrentTail } from '../../src/event-store/kurrentdb-tail.js';

/** Counts how often the tail looks where the log ends, by a clock that only the test moves. */
async function looksWithin(ms: number, lookMs: number): Promise<number> {
  const subscription = Object.assign(new EventEmitter(), { unsubscribe: async () => {} });
  const connection = { client: { subscribeToAll: () => subscription } } as unknown as KurrentConnection;
  let looks = 0;
  const head = async () => {
    looks += 1;
    await new Promise((resolve) => setTimeout(resolve, lookMs));
    return 0n;
  };
  const tail = new KurrentTail({ connection, namespace: new KurrentNamespace('test'), head });
  const ended = new AbortController();
  onTestFinished(() => tail.close());
  tail.join();
  const waiting = tail.beyond(0n, ended.signal);
  await vi.advanceTimersByTimeAsync(ms);
  ended.abort();
  await waiting;
  return looks;
}

describe('the live end of a log in KurrentDB', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is compared with the log every two seconds', async () => {
    expect(await looksWithin(60_000, 1)).toBe(29);
  });

  it('is compared less often where looking takes long, so that the server is at it for a tenth of the time at most', async () => {
    expect(await looksWithin(10 * 60_000, 6_000)).toBe(10);
  });
});
