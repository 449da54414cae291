import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { LossReason } from './broker/nats.js';
import type { Broker } from './broker/port.js';
import type { Config } from './config.js';
import type { EventStore } from './event-store/port.js';
import type { MasterKey } from './keys/master-keys.js';
import { type KeyStore, KeysUnusable } from './keys/port.js';
import type { LeaseStore } from './leases/port.js';
import { MailFolder } from './mail/mail-folder.js';
import type { MailTransport } from './mail/port.js';
import type { MongoDatabase } from './mongodb/connection.js';
import type { MongoLocation } from './mongodb/location.js';
import type { ReadStore } from './read-store/port.js';

/** Opens the adapters that the settings name; no other one's driver is loaded. */

export interface Files {
  readonly log: string;
  readonly keys: string;
  readonly readModels: string;
  readonly leases: string;
}

export function filesOf({ dataDirectory }: Config): Files {
  return {
    log: join(dataDirectory, 'events.db'),
    keys: join(dataDirectory, 'keys.db'),
    readModels: join(dataDirectory, 'read-models.db'),
    leases: join(dataDirectory, 'leases.db'),
  };
}

type OnFatal = (error: Error) => void;

/** @param onFatal - called once when the disk has failed: the process had better end */
export async function openEventStore(config: Config, logger: Logger, onFatal: OnFatal): Promise<EventStore> {
  if (config.eventStore === 'sqlite') {
    const { openSqliteEventStore } = await import('./event-store/sqlite.js');
    return openSqliteEventStore(filesOf(config).log, { onFatal });
  }
  const { openKurrentEventStore } = await import('./event-store/kurrentdb.js');
  return openKurrentEventStore(config.eventStore, { onWarning: (message) => logger.warn(message) });
}

/**
 * @param onFatal - called once when the disk has failed: the process had better end
 * @throws {KeysUnusable} if keys are to be looked for elsewhere than where there are some
 */
export async function openKeys(
  config: Config,
  masterKeys: readonly MasterKey[],
  logger: Logger,
  onFatal: OnFatal,
): Promise<KeyStore> {
  const file = filesOf(config).keys;
  if (config.keys === 'sqlite') {
    const { openSqliteKeys } = await import('./keys/sqlite.js');
    return openSqliteKeys(file, masterKeys, { onFatal });
  }
  if (existsSync(file)) {
    throw new KeysUnusable(
      `There are keys in ${file}, but PARLEY_KEYS or PARLEY_READ_STORE names MongoDB for them: set PARLEY_KEYS=sqlite, ` +
        'or move the file away if it belongs to another log.',
    );
  }
  const { openMongoKeys } = await import('./keys/mongodb.js');
  return openMongoKeys(await connectMongo(config.keys, 'key store', logger), masterKeys);
}

export async function openReadStore(config: Config, logger: Logger): Promise<ReadStore> {
  if (config.readStore === 'sqlite') {
    const { openSqliteReadStore } = await import('./read-store/sqlite.js');
    const onError = (error: unknown) => logger.error({ err: error }, 'what was forgotten is still in the read store');
    return openSqliteReadStore(filesOf(config).readModels, { onError });
  }
  const { mongoReadStore } = await import('./read-store/mongodb.js');
  return mongoReadStore(await connectMongo(config.readStore, 'read store', logger));
}

/**
 * The leases of this process, if nobody can reach it from elsewhere; those of the machine, where processes share SQLite
 * files; those of all machines.
 */
export async function openLeases(config: Config, logger: Logger): Promise<LeaseStore> {
  if (config.broker === 'in-process') {
    const { MemoryLeases } = await import('./leases/memory.js');
    return new MemoryLeases();
  }
  if (config.leases === 'sqlite') {
    const { openSqliteLeases } = await import('./leases/sqlite.js');
    return openSqliteLeases(filesOf(config).leases);
  }
  const { MongoLeases } = await import('./leases/mongodb.js');
  return new MongoLeases(await connectMongo(config.leases, 'store of leases', logger));
}

/** Says which server has answered. */
async function connectMongo(location: MongoLocation, content: string, logger: Logger): Promise<MongoDatabase> {
  const { described, isOld, openMongo } = await import('./mongodb/connection.js');
  const database = await openMongo(location);
  logger.info(`the ${content} is ${described(database)}`);
  if (isOld(database.server)) logger.warn('MongoDB before 4.4 is not what Parley is made for: use a newer one');
  return database;
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

/** The folder that mails are written to in development, whether they are at present or not. */
export function mailFolderOf({ dataDirectory }: Config): MailFolder {
  return new MailFolder(join(dataDirectory, 'mail'));
}

/** @returns undefined where mails are not to be sent */
export async function openMail(config: Config, folder: MailFolder, logger: Logger): Promise<MailTransport | undefined> {
  switch (config.mail.kind) {
    case 'smtp': {
      const { openSmtp } = await import('./mail/smtp.js');
      return openSmtp(config.mail.smtp);
    }
    case 'folder': {
      const { openFolder } = await import('./mail/folder.js');
      return openFolder({ folder, from: config.mail.from, logger });
    }
    case 'none':
      return undefined;
  }
}
