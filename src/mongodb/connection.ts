import { setTimeout as delay } from 'node:timers/promises';
import { type Db, MongoClient, type MongoClientOptions, ReadConcern } from 'mongodb';
import { ServerUnavailable } from '../server-unavailable.js';
import { isPassing, isRefusal } from './errors.js';
import { inTime } from './in-time.js';
import type { MongoLocation } from './location.js';

/** What answered. */
export interface MongoServer {
  readonly version: string;
  /** Undefined where it is a single node. */
  readonly replicaSet: string | undefined;
  /** Whether it can be asked for what a majority of the replica set has, which no failover takes back. */
  readonly readsMajority: boolean;
}

/** An open database. What it acknowledges, a majority has in its journal. */
export interface MongoDatabase {
  readonly db: Db;
  readonly server: MongoServer;
  /** The place as people know it. */
  readonly place: string;
  close(): Promise<void>;
}

/** How long to wait for a server that does not answer yet, since all may be started at once. */
const startPatienceMs = 30_000;
const retryMs = 250;

/** How long to look for a server that takes writes. */
const selectionMs = 5_000;

/** What the URL may set otherwise. */
const adjustable: MongoClientOptions = {
  appName: 'parley',
  maxPoolSize: 20,
  maxIdleTimeMS: 60_000,
  connectTimeoutMS: 5_000,
  waitQueueTimeoutMS: 5_000,
  socketTimeoutMS: 15_000,
};

const needed: MongoClientOptions = {
  writeConcern: { w: 'majority', journal: true, wtimeoutMS: 10_000 },
  readPreference: 'primary',
  // Positions are larger than a number holds exactly.
  useBigInt64: true,
  promoteBuffers: true,
};

/**
 * Connects to a server of MongoDB's protocol.
 * @param patienceMs - how long it may take until one answers
 * @throws {ServerUnavailable} if none does, or it refuses us
 */
export async function openMongo(location: MongoLocation, patienceMs = startPatienceMs): Promise<MongoDatabase> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    // One that has not found its server does not look for it again.
    const client = clientOf(location, Math.min(patienceMs, selectionMs));
    try {
      return await openWith(client, location.database);
    } catch (error) {
      await client.close().catch(() => {});
      const isHopeless = !isPassing(error) || performance.now() + retryMs > deadline;
      if (isHopeless) throw unusable(placeOf(client, location.database), error);
    }
    await delay(retryMs);
  }
}

async function openWith(client: MongoClient, database: string): Promise<MongoDatabase> {
  const server = await askServer(client.db(database));
  const db = client.db(database, { readConcern: new ReadConcern(server.readsMajority ? 'majority' : 'local') });
  return { db, server, place: placeOf(client, database), close: () => client.close() };
}

function unusable(place: string, error: unknown): ServerUnavailable {
  return new ServerUnavailable(`${place} can't be used: ${(error as Error).message}`, { cause: error });
}

function clientOf({ url }: MongoLocation, serverSelectionTimeoutMS: number): MongoClient {
  const given = new Set([...new URLSearchParams(url.split('?')[1]).keys()].map((name) => name.toLowerCase()));
  const ours = Object.entries({ ...adjustable, serverSelectionTimeoutMS }).filter(
    ([name]) => !given.has(name.toLowerCase()),
  );
  try {
    return new MongoClient(url, { ...Object.fromEntries(ours), ...needed });
  } catch {
    // What the driver says of it may repeat the URL, with its password.
    throw new ServerUnavailable('The URL of MongoDB is not one that its driver understands.');
  }
}

function placeOf({ options: { srvHost, hosts } }: MongoClient, database: string): string {
  return `MongoDB at ${srvHost ?? hosts.map(String).join(', ')}/${database}`;
}

async function askServer(db: Db): Promise<MongoServer> {
  const { version } = await db.admin().command({ buildInfo: 1 }, inTime());
  return { version, replicaSet: await replicaSetOf(db), readsMajority: await readsMajority(db) };
}

/** A server of the protocol that does not know `hello` is no replica set. */
async function replicaSetOf(db: Db): Promise<string | undefined> {
  const hello = await unlessRefused(() => db.admin().command({ hello: 1 }, inTime()));
  return hello?.setName;
}

async function readsMajority(db: Db): Promise<boolean> {
  const readConcern = { level: 'majority' };
  return (
    (await unlessRefused(() => db.command({ find: 'projections', limit: 1, readConcern }, inTime()))) !== undefined
  );
}

async function unlessRefused<T>(ask: () => Promise<T>): Promise<T | undefined> {
  return ask().catch((error: unknown) => {
    if (isRefusal(error)) return undefined;
    throw error;
  });
}

/** The oldest version whose promises are relied upon. */
const oldest = [4, 4] as const;

/** Whether the server announces a version older than those that Parley is made for. */
export function isOld({ version }: MongoServer): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < oldest[0] || (major === oldest[0] && minor < oldest[1]);
}

/** What answered, for people. */
export function described({ server: { version, replicaSet, readsMajority }, place }: MongoDatabase): string {
  const nodes = replicaSet === undefined ? 'a single node' : `replica set ${replicaSet}`;
  return `${place}: version ${version}, ${nodes}${readsMajority ? '' : ', without majority reads'}`;
}
