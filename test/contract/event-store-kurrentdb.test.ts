import { afterAll, beforeAll, describe } from 'vitest';
import { KurrentStandIn } from '../fixtures/kurrentdb-stand-in/stand-in.js';
import { findServer } from '../fixtures/servers/find-server.js';
import { kurrentdb } from '../fixtures/servers/kurrentdb.js';
import type { TestServer } from '../fixtures/servers/server.js';
import { eventStoreContract } from './event-store.js';
import { introduce, KurrentLogs } from './kurrentdb-logs.js';
import { parleyOnKurrent } from './parley-on-kurrentdb.js';

const real = await findServer(kurrentdb, 'the event store over a real KurrentDB');
if (real) {
  runOver('kurrentdb', async () => {
    const server = await real.start();
    await introduce(server);
    return server;
  });
}

runOver('kurrentdb, over a stand-in for its server', async () => {
  const standIn = await KurrentStandIn.start();
  return { url: standIn.url, stop: () => standIn.stop(), restart: () => standIn.restart(), signal: async () => {} };
});

/** What must hold over any server. */
function runOver(name: string, start: () => Promise<TestServer>): void {
  describe(name, () => {
    let logs: KurrentLogs;
    beforeAll(async () => {
      logs = await KurrentLogs.on(await start());
    }, 120_000);
    afterAll(() => (logs as KurrentLogs | undefined)?.close());

    eventStoreContract(name, () => logs.newLog());
    parleyOnKurrent(
      () => logs.newUrl(),
      () => logs.cut(),
    );
  });
}
