import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Positions } from '../../src/read-store/positions.js';

describe('waiting for read models', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** A store whose checkpoints are as told. */
  function storeAt(checkpoints: Record<string, bigint>) {
    return {
      asked: 0,
      async liveCheckpoint(projection: string) {
        this.asked += 1;
        return checkpoints[projection] ?? 0n;
      },
    };
  }

  it('is over at once where all of them are far enough', async () => {
    const positions = new Positions(storeAt({}));
    positions.advanced('rooms', 7n);
    positions.advanced('people', 5n);
    expect(await positions.waitFor(['rooms', 'people'], 5n, 1_000)).toBe(true);
    expect(await positions.waitFor([], 9n, 1_000)).toBe(true);
  });

  it('is over when the last of them is told to be there', async () => {
    const positions = new Positions(storeAt({}));
    let reached: boolean | undefined;
    void positions.waitFor(['rooms', 'people'], 5n, 1_000).then((result) => {
      reached = result;
    });
    positions.advanced('rooms', 6n);
    positions.advanced('people', 4n);
    await vi.advanceTimersByTimeAsync(10);
    expect(reached).toBeUndefined();
    positions.advanced('people', 5n);
    await vi.advanceTimersByTimeAsync(0);
    expect(reached).toBe(true);
  });

  it('gives up in time', async () => {
    const positions = new Positions(storeAt({}));
    positions.advanced('rooms', 4n);
    const waiting = positions.waitFor(['rooms'], 5n, 250);
    await vi.advanceTimersByTimeAsync(250);
    expect(await waiting).toBe(false);
  });

  it('asks the store for projections of which nobody in this process tells, and only while somebody waits', async () => {
    const checkpoints = { rooms: 4n };
    const store = storeAt(checkpoints);
    const positions = new Positions(store);
    const waiting = positions.waitFor(['rooms'], 5n, 1_000);
    await vi.advanceTimersByTimeAsync(60);
    expect(store.asked).toBeGreaterThan(1);
    checkpoints.rooms = 5n;
    await vi.advanceTimersByTimeAsync(30);
    expect(await waiting).toBe(true);
    await vi.advanceTimersByTimeAsync(30);
    const asked = store.asked;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(store.asked).toBe(asked);
  });

  it('does not ask the store for projections that are told of', async () => {
    const store = storeAt({ rooms: 100n });
    const positions = new Positions(store);
    positions.advanced('rooms', 1n);
    const waiting = positions.waitFor(['rooms'], 5n, 100);
    await vi.advanceTimersByTimeAsync(100);
    expect(await waiting).toBe(false);
    expect(store.asked).toBe(0);
  });

  it('never goes back', async () => {
    const positions = new Positions(storeAt({}));
    positions.advanced('rooms', 7n);
    positions.advanced('rooms', 3n);
    expect(await positions.waitFor(['rooms'], 7n, 0)).toBe(true);
  });

  it('goes on through failures of the store', async () => {
    let failing = true;
    const positions = new Positions({
      async liveCheckpoint() {
        if (failing) throw new Error('not now');
        return 5n;
      },
    });
    const waiting = positions.waitFor(['rooms'], 5n, 1_000);
    await vi.advanceTimersByTimeAsync(60);
    failing = false;
    await vi.advanceTimersByTimeAsync(60);
    expect(await waiting).toBe(true);
  });
});
