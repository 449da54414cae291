import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryLog, memoryEventStore } from '../../src/event-store/memory.js';
import { openSqliteEventStore } from '../../src/event-store/sqlite.js';
import { eventStoreContract } from './event-store.js';

eventStoreContract('memory', async () => {
  const log = new MemoryLog();
  return { open: async () => memoryEventStore(log), remove: async () => {} };
});

eventStoreContract('sqlite', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'parley-log-'));
  return {
    open: () => openSqliteEventStore(join(directory, 'log.db')),
    remove: () => rm(directory, { recursive: true }),
  };
});
