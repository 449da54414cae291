import { join } from 'node:path';
import type { Logger } from 'pino';
import type { LossReason } from './broker/nats.js';
import type { Broker } from './broker/port.js';
import type { Config } from './config.js';
import type { EventStore } from './event-store/port.js';
import type { KeyStore } from './keys/port.js';
import type { ReadStore } from './read-store/port.js';

/** Opens the adapters that the settings name; no other one's driver is loaded. */

export interface Files {
  readonly log: string;
  readonly keys: string;
  readonly readModels: string;
}

export function filesOf({ dataDirectory }: Config): Files {
  return {
    log: join(dataDirectory, 'events.db'),
    keys: join(dataDirectory, 'keys.db'),
    readModels: join(dataDirectory, 'read-models.db'),
  };
}

type OnFatal = (error: Error) => void;

/** @param onFatal - called once when the disk has failed: the process had better end */
export async function openEventStore(config: Config, onFatal: OnFatal): Promise<EventStore> {
  switch (config.eventStore) {
    case 'sqlite': {
      const { openSqliteEventStore } = await import('./event-store/sqlite.js');
      return openSqliteEventStore(filesOf(config).log, { onFatal });
    }
  }
}

/** @param onFatal - called once when the disk has failed: the process had better end */
export async function openKeys(config: Config, masterKey: Buffer, onFatal: OnFatal): Promise<KeyStore> {
  const { openSqliteKeys } = await import('./keys/sqlite.js');
  return openSqliteKeys(filesOf(config).keys, { version: 1, key: masterKey }, { onFatal });
}

export async function openReadStore(config: Config): Promise<ReadStore> {
  switch (config.readStore) {
    case 'sqlite': {
      const { openSqliteReadStore } = await import('./read-store/sqlite.js');
      return openSqliteReadStore(filesOf(config).readModels);
    }
  }
}

/** @param onLoss - told why a message was lost */
export async function openBroker(
  { broker }: Config,
  logger: Logger,
  onLoss: (reason: LossReason) => void,
): Promise<Broker> {
  if (broker === 'in-process') {
    const { InProcessBroker } = await import('./broker/in-process.js');
    return new InProcessBroker((error) => logger.error({ err: error }, 'a subscriber of the broker failed'));
  }
  const { NatsBroker } = await import('./broker/nats.js');
  return NatsBroker.open({ address: broker, logger, onLoss });
}
