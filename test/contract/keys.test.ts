import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KeysInMemory, memoryKeys } from '../../src/keys/memory.js';
import { openSqliteKeys } from '../../src/keys/sqlite.js';
import { keysContract } from './keys.js';

keysContract('memory', async () => {
  const shared = new KeysInMemory();
  return { open: async (masterKeys) => memoryKeys(shared, masterKeys), remove: async () => {} };
});

keysContract('sqlite', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'parley-keys-'));
  return {
    open: (masterKeys) => openSqliteKeys(join(directory, 'keys.db'), masterKeys),
    remove: () => rm(directory, { recursive: true }),
  };
});
