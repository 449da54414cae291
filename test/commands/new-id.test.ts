import { afterEach, expect, it, vi } from 'vitest';
import { newUuid } from '../../src/commands/new-id.js';

afterEach(() => void vi.useRealTimers());

const hour = 3_600_000;

function idsAt(now: number, count: number): string[] {
  vi.setSystemTime(now);
  return Array.from({ length: count }, newUuid);
}

it('new ids rise within a millisecond, and where the clock is set back', () => {
  const now = Date.now() + hour;
  vi.useFakeTimers({ toFake: ['Date'], now });
  const ids = [...idsAt(now, 1_000), ...idsAt(now - hour, 100_000), ...idsAt(now - 1, 10), ...idsAt(now + hour, 10)];
  expect(ids).toEqual([...new Set(ids)].sort());
});

it('new ids tell their time once the clock goes on from where it was', () => {
  const now = Date.now() + 3 * hour;
  vi.useFakeTimers({ toFake: ['Date'], now });
  const [id = ''] = idsAt(now, 1);
  expect(Number.parseInt(id.replace('-', '').slice(0, 12), 16)).toBe(now);
});
