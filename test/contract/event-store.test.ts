import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { MemoryLog, memoryEventStore } from '../../src/event-store/memory.js';
import { openSqliteEventStore } from '../../src/event-store/sqlite.js';
import { eventStoreContract } from './event-store.js';

eventStoreContract('memory', async () => {
  const log = new MemoryLog();
  return {
    open: async () => memoryEventStore(log),
    remove: async () => {},
    stall: async () => ({ end: async () => {} }),
  };
});

eventStoreContract('sqlite', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'parley-log-'));
  const path = join(directory, 'log.db');
  return {
    open: () => openSqliteEventStore(path),
    remove: () => rm(directory, { recursive: true }),
    /** As a process would that writes for long. */
    async stall() {
      const other = new Database(path);
      other.exec('BEGIN IMMEDIATE');
      return {
        async end() {
          other.exec('COMMIT');
          other.close();
        },
      };
    },
  };
});
