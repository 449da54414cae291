import { describe, expect, it } from 'vitest';
import { ReadYourWrites } from '../../src/api/read-your-writes.js';
import { Refused } from '../../src/problems.js';
import { Positions } from '../../src/read-store/positions.js';

/** Projections that a projector of this process tells of, and that have come this far. */
function projectionsAt(position: bigint): Positions {
  const positions = new Positions({ liveCheckpoint: async () => position });
  for (const projection of ['rooms', 'access']) positions.advanced(projection, position);
  return positions;
}

const rooms = ['rooms', 'access'];

describe('a query', () => {
  it('waits for what its caller has written, and not for what others have', async () => {
    const positions = projectionsAt(7n);
    const written = new ReadYourWrites(positions);
    written.remember('ann', '8');
    const anns = written.wait('ann', undefined, rooms);
    expect(await written.wait('bob', undefined, rooms)).toBe(true);
    positions.advanced('rooms', 8n);
    positions.advanced('access', 9n);
    expect(await anns).toBe(true);
  });

  it('waits for the last of what its caller has written', async () => {
    const written = new ReadYourWrites(projectionsAt(7n));
    written.remember('ann', '9');
    written.remember('ann', '7');
    expect(await written.wait('ann', undefined, rooms)).toBe(false);
  });

  it('is answered as stale where one of its projections does not get there', async () => {
    const positions = projectionsAt(7n);
    const written = new ReadYourWrites(positions);
    written.remember('ann', '8');
    positions.advanced('rooms', 8n);
    expect(await written.wait('ann', undefined, rooms)).toBe(false);
  });

  it('is refused where it names a position that is not reached, and not where that is another one than it wrote', async () => {
    const written = new ReadYourWrites(projectionsAt(7n));
    written.remember('ann', '8');
    expect(await written.wait('ann', 7n, rooms)).toBe(true);
    await expect(written.wait('ann', 8n, rooms)).rejects.toThrow(Refused);
  });
});
