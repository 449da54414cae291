import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import { MemoryLeases } from '../../src/leases/memory.js';
import { openSqliteLeases } from '../../src/leases/sqlite.js';
import { leaseStoreContract } from './leases.js';

describe('memory', () => {
  let leases: MemoryLeases;
  beforeEach(() => {
    leases = new MemoryLeases();
  });
  leaseStoreContract(async () => leases);
});

describe('SQLite', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'parley-leases-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));
  leaseStoreContract(async () => openSqliteLeases(join(directory, 'leases.db')));
});
