import { type Logger, pino } from 'pino';
import { openEventStore, openKeys, openReadStore } from '../../src/adapters.js';
import { Closers } from '../../src/closers.js';
import { parseConfig } from '../../src/config.js';
import type { Codec } from '../../src/event-store/codec.js';
import { createCodec } from '../../src/event-store/event-codec.js';
import type { EventStore } from '../../src/event-store/port.js';
import type { KeyStore } from '../../src/keys/port.js';
import type { ReadStore } from '../../src/read-store/port.js';
import { loadMasterKeys } from '../../src/secrets.js';

/** The stores of a data directory, as the server has them. */
export interface Stores {
  readonly keys: KeyStore;
  readonly codec: Codec;
  readonly eventStore: EventStore;
  readonly readStore: ReadStore;
  readonly logger: Logger;
}

/** Opens the stores, making those that are not there, and closes them behind the body. */
export async function withStores<T>(directory: string, body: (stores: Stores) => Promise<T>): Promise<T> {
  const config = parseConfig({ PARLEY_DATA_DIR: directory });
  const closers = new Closers();
  const logger = pino({ level: 'warn' });
  const fail = (error: Error) => {
    throw error;
  };
  try {
    const keys = closers.add(await openKeys(config, await loadMasterKeys(config), logger, fail));
    const eventStore = closers.add(await openEventStore(config, logger, fail));
    const readStore = closers.add(await openReadStore(config, logger));
    return await body({ keys, codec: createCodec(keys), eventStore, readStore, logger });
  } finally {
    await closers.close();
  }
}
