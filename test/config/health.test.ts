import { describe, expect, it } from 'vitest';
import { Health } from '../../src/health.js';

describe('health', () => {
  it('tells of every fault, and is not ready without what is needed', () => {
    const health = new Health();
    const faults: Record<string, string | undefined> = {};
    health.watch('log', () => faults.log);
    health.watchUseful('broker', () => faults.broker);
    expect([health.ready, health.faults()]).toEqual([true, {}]);
    faults.broker = 'out of reach';
    expect([health.ready, health.faults()]).toEqual([true, { broker: 'out of reach' }]);
    faults.log = 'damaged';
    expect([health.ready, health.faults()]).toEqual([false, { log: 'damaged', broker: 'out of reach' }]);
  });

  it('is not ready once the process is about to stop', () => {
    const health = new Health();
    health.drain();
    expect([health.ready, health.faults()]).toEqual([false, { process: 'about to stop' }]);
  });
});
