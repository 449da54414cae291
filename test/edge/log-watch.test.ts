import { expect, it, onTestFinished, vi } from 'vitest';
import { InProcessBroker } from '../../src/broker/in-process.js';
import { MemoryLog, memoryEventStore } from '../../src/event-store/memory.js';
import { LogWatch } from '../../src/relay/log-watch.js';

const hour = 3_600_000;

it('relays that fall silent are noticed, also where the clock was set back', async () => {
  const log = new MemoryLog();
  const heads: Record<string, number> = {};
  const watch = await LogWatch.start({
    broker: new InProcessBroker(console.error),
    eventStore: memoryEventStore(log),
    silenceMs: 20,
    onHeads: (news) => Object.assign(heads, news),
    onLost: console.error,
  });
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - hour });
  onTestFinished(() => {
    vi.useRealTimers();
    watch.stop();
  });
  const event = { id: 'one', type: 'tests.Done', data: '{}', metadata: '{}' };
  log.write({ stream: 'channel-1', expectedRevision: -1, events: [event] });
  await vi.waitFor(() => expect(heads).toEqual({ 'channel-1': 0 }), { timeout: 10_000 });
});
