import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryKeys } from '../../src/keys/memory.js';
import { openSqliteKeys } from '../../src/keys/sqlite.js';
import { keysContract } from './keys.js';

keysContract('memory', async () => {
  const keys = memoryKeys();
  return { open: async () => keys, remove: async () => {} };
});

keysContract('sqlite', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'parley-keys-'));
  const masterKey = { version: 1, key: Buffer.alloc(32, 'master') };
  return {
    open: () => openSqliteKeys(join(directory, 'keys.db'), masterKey),
    remove: () => rm(directory, { recursive: true }),
  };
});
