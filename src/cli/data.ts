import { access, mkdir } from 'node:fs/promises';
import type { Logger } from 'pino';
import { filesOf, openEventStore, openKeys, openReadStore } from '../adapters.js';
import { Closers } from '../closers.js';
import { type Config, loadConfig } from '../config.js';
import { DataDirectoryUnusable } from '../data-directory.js';
import type { Codec } from '../event-store/codec.js';
import { createCodec } from '../event-store/event-codec.js';
import type { EventStore } from '../event-store/port.js';
import { heedReceipts } from '../event-store/receipts.js';
import type { MasterKey } from '../keys/master-keys.js';
import type { KeyStore } from '../keys/port.js';
import { createLogger } from '../logger.js';
import type { ReadStore } from '../read-store/port.js';
import { loadMasterKeys } from '../secrets.js';
import { exitCodes } from './exit-codes.js';
import { exitWith, failureOf } from './failure.js';

/** The stores of a data directory, which a server may have open at the same time. */
export interface Data {
  readonly config: Config;
  readonly logger: Logger;
  readonly keys: KeyStore;
  readonly masterKeys: readonly MasterKey[];
  readonly codec: Codec;
  readonly eventStore: EventStore;
  readonly readStore: ReadStore;
}

/** Opens the stores, making those that are not there, and closes them behind the body. */
export async function withNewData<T>(body: (data: Data) => Promise<T>): Promise<T> {
  const config = loadConfig();
  await mkdir(config.dataDirectory, { recursive: true, mode: 0o700 }).catch((error: Error) => {
    throw new DataDirectoryUnusable(`The data directory ${config.dataDirectory} can't be made: ${error.message}`);
  });
  return withStores(config, body);
}

/**
 * Opens the stores where there is a log, and closes them behind the body.
 * @throws {DataDirectoryUnusable} if there is no data directory, or no log in it though it should have one
 */
export async function withData<T>(body: (data: Data) => Promise<T>): Promise<T> {
  return withStores(await findData(), body);
}

/**
 * The settings, where there is a log.
 * @throws {DataDirectoryUnusable} if there is no data directory, or no log in it though it should have one
 */
export async function findData(): Promise<Config> {
  const config = loadConfig();
  const { dataDirectory } = config;
  const [what, path] =
    config.eventStore === 'sqlite' ? ['log in the data', filesOf(config).log] : ['data', dataDirectory];
  await access(path).catch(() => {
    throw new DataDirectoryUnusable(
      `There is no ${what} directory ${dataDirectory}: set PARLEY_DATA_DIR to the one that is meant.`,
    );
  });
  return config;
}

async function withStores<T>(config: Config, body: (data: Data) => Promise<T>): Promise<T> {
  const closers = new Closers();
  try {
    const logger = createLogger(config);
    const masterKeys = await loadMasterKeys(config);
    const keys = closers.add(await openKeys(config, masterKeys, logger, endAfterStoreFailure));
    const eventStore = closers.add(await openEventStore(config, logger, endAfterStoreFailure));
    const readStore = closers.add(await openReadStore(config, logger));
    const codec = createCodec(keys);
    await heedReceipts(eventStore, codec);
    return await body({ config, logger, keys, masterKeys, codec, eventStore, readStore });
  } finally {
    await closers.close();
  }
}

function endAfterStoreFailure(error: Error): void {
  exitWith({ lines: failureOf(error).lines, exitCode: exitCodes.store });
}
