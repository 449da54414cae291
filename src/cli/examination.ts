import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { projections } from '../../projections/catalogue.js';
import { type Files, filesOf } from '../adapters.js';
import { showNatsAddress } from '../broker/nats-address.js';
import { type Config, loadConfig } from '../config.js';
import type { KurrentAddress } from '../event-store/kurrentdb-address.js';
import type { SmtpOptions } from '../mail/smtp.js';
import type { MongoLocation } from '../mongodb/location.js';
import type { ReadStore } from '../read-store/port.js';
import { inspectFile } from '../sqlite/inspection.js';
import { version } from '../version.js';
import { withData } from './data.js';
import { failureOf } from './failure.js';
import { grouped } from './output.js';

/** What `doctor` looks at, each apart: what one finds must not keep the others from being looked at. */

export interface Check {
  readonly name: string;
  readonly verdict: 'ok' | 'warn' | 'fail';
  readonly detail: string;
}

type Finding = Omit<Check, 'name'>;

export async function examine(): Promise<Check[]> {
  const checks = [await check('node', examineNode)];
  let config: Config | undefined;
  checks.push(
    await check('settings', () => {
      config = loadConfig();
      return ok(
        `Parley ${version}, ${config.environment}, event store ${config.eventStore === 'sqlite' ? 'sqlite' : 'kurrentdb'}`,
      );
    }),
  );
  if (!config) return checks;
  const { dataDirectory } = config;
  checks.push(await check('data directory', () => examineDirectory(dataDirectory)));
  checks.push(await check('free space', () => examineSpace(dataDirectory)));
  checks.push(...(await examineStores(config)));
  checks.push(await check('broker', () => examineBroker(config as Config)));
  checks.push(await check('mail', () => examineMail(config as Config)));
  checks.push(await check('server', () => examineServer(config as Config)));
  return checks;
}

async function check(name: string, look: () => Finding | Promise<Finding>): Promise<Check> {
  try {
    return { name, ...(await look()) };
  } catch (error) {
    return { name, verdict: 'fail', detail: failureOf(error).lines.join('; ') };
  }
}

function ok(detail: string): Finding {
  return { verdict: 'ok', detail };
}

function warn(detail: string): Finding {
  return { verdict: 'warn', detail };
}

function fail(detail: string): Finding {
  return { verdict: 'fail', detail };
}

const oldestNode = [20, 19] as const;

function examineNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isOld = major < oldestNode[0] || (major === oldestNode[0] && minor < oldestNode[1]);
  const detail = `${process.version} on ${process.platform} ${process.arch}`;
  return isOld ? fail(`${detail}: use ${oldestNode.join('.')} or later`) : ok(detail);
}

async function examineDirectory(path: string): Promise<Finding> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  if (!isThere) return warn(`${path} is not there; the first start makes it`);
  try {
    await access(path, constants.W_OK);
    return ok(`${path} can be written`);
  } catch {
    return fail(`${path} can't be written by this user`);
  }
}

const mebibyte = 1024 * 1024;
/** The log can't be appended to for long. */
const scarce = 100 * mebibyte;
/** Rebuilding read models and checkpointing need room beside the files. */
const tight = 1024 * mebibyte;

async function examineSpace(path: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(path).catch(() => statfs('.'));
  const free = bavail * bsize;
  const detail = `${grouped(Math.floor(free / mebibyte))} MiB`;
  if (free < scarce) return fail(`${detail}: make room`);
  return free < tight ? warn(`${detail}: make room soon`) : ok(detail);
}

async function examineStores(config: Config): Promise<Check[]> {
  const files = filesOf(config);
  const isThere = await access(files.log).then(
    () => true,
    () => config.eventStore !== 'sqlite',
  );
  if (!isThere) return [await check('databases', () => warn('there are none yet; the first start makes them'))];
  const checks: Check[] = [];
  // Leases may be gone at any time.
  const places: Readonly<Record<Exclude<keyof Files, 'leases'>, string | MongoLocation | KurrentAddress>> = {
    log: config.eventStore === 'sqlite' ? files.log : config.eventStore,
    keys: config.keys === 'sqlite' ? files.keys : config.keys,
    readModels: config.readStore === 'sqlite' ? files.readModels : config.readStore,
  };
  for (const [name, place] of Object.entries(places)) {
    checks.push(await check(`database ${name}`, () => examinePlace(place)));
  }
  if (checks.every(({ verdict }) => verdict === 'ok')) checks.push(...(await examineContents(config)));
  return checks;
}

function examinePlace(place: string | MongoLocation | KurrentAddress): Promise<Finding> {
  if (typeof place === 'string') return examineDatabase(place);
  return 'connectionString' in place ? examineKurrent(place) : examineMongo(place);
}

async function examineDatabase(path: string): Promise<Finding> {
  const size = await sizeOf(path);
  if (size === undefined) return warn(`${path} is not there yet; the first start makes it`);
  const { sqlite, damage } = inspectFile(path);
  const detail = `SQLite ${sqlite}, ${path}, ${grouped(Math.ceil(size / mebibyte))} MiB`;
  return damage === undefined ? ok(detail) : fail(`${detail} is damaged (${damage}): restore it from a backup`);
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
}

/** How long a server may take to answer, in ms. */
const answerMs = 3_000;

async function examineMongo(location: MongoLocation): Promise<Finding> {
  const { described, isOld, openMongo } = await import('../mongodb/connection.js');
  const database = await openMongo(location, answerMs);
  await database.close();
  const detail = described(database);
  if (isOld(database.server)) return warn(`${detail}: use 4.4 or later`);
  return database.server.readsMajority ? ok(detail) : warn(`${detail}: a failover may take back what was read`);
}

async function examineKurrent(address: KurrentAddress): Promise<Finding> {
  const { inspectKurrent } = await import('../event-store/kurrentdb-inspection.js');
  const { version: dbVersion, lacks, isUsable } = await inspectKurrent(address);
  const where = `at ${address.place}, namespace ${address.namespace}`;
  if (dbVersion === undefined) return fail(`no KurrentDB tells its version ${where}`);
  const detail = [`KurrentDB ${dbVersion} ${where}`, lacks.join(' and ')].filter((part) => part !== '').join(' lacks ');
  if (!isUsable) return fail(detail);
  const { openKurrentEventStore } = await import('../event-store/kurrentdb.js');
  const eventStore = await openKurrentEventStore(address, { patienceMs: answerMs });
  await eventStore.close();
  return lacks.length === 0 ? ok(detail) : warn(detail);
}

/** Opens the stores, which also shows that the master key is theirs. */
async function examineContents(config: Config): Promise<Check[]> {
  const checks: Check[] = [];
  // Elsewhere, positions are places in a file.
  const areCounts = config.eventStore === 'sqlite';
  const log = await check('log', () =>
    withData(async ({ eventStore, readStore }) => {
      const head = await eventStore.head();
      checks.push(await check('read models', () => examineCheckpoints(readStore, head, areCounts)));
      return ok(areCounts ? `${grouped(head)} events` : `ends at position ${head}`);
    }),
  );
  return [log, ...checks];
}

async function examineCheckpoints(
  readStore: Pick<ReadStore, 'liveCheckpoint'>,
  head: bigint,
  areCounts: boolean,
): Promise<Finding> {
  const behind: string[] = [];
  for (const { name } of projections) {
    const position = await readStore.liveCheckpoint(name);
    if (position > head) {
      return fail(`${name} is at position ${position}, ahead of the log: restore the log, or delete the read models`);
    }
    if (position < head) behind.push(areCounts ? `${name} (${grouped(head - position)})` : name);
  }
  if (behind.length === 0) return ok('hold all events');
  return warn(`${areCounts ? 'events ' : ''}behind: ${behind.join(', ')}; a running server folds them`);
}

/** Smaller messages than this leave many frames to be read from the log. */
const modestPayload = 256 * 1024;

async function examineBroker({ broker }: Config): Promise<Finding> {
  if (broker === 'in-process') return ok('within the process');
  const { inspectNats } = await import('../broker/nats-inspection.js');
  const shown = showNatsAddress(broker);
  const inspection = await inspectNats(broker).catch((error: Error) => error);
  if (inspection instanceof Error) return fail(`${shown} is out of reach: ${inspection.message}`);
  const { server, version: natsVersion, maxPayload, encrypted, fault } = inspection;
  const detail = `NATS ${natsVersion} at ${server}, messages up to ${grouped(Math.floor(maxPayload / 1024))} KiB`;
  if (fault !== undefined) return fail(`${detail}, but nothing comes through under ${broker.namespace}.>: ${fault}`);
  if (maxPayload < modestPayload) return warn(`${detail}: larger frames are read from the log (max_payload)`);
  if (!encrypted && !isLocal(server)) return warn(`${detail}, not encrypted: set TLS up, or keep the network closed`);
  return ok(`${detail}${encrypted ? ', encrypted' : ''}`);
}

async function examineMail({ mail, environment }: Config): Promise<Finding> {
  switch (mail.kind) {
    case 'folder':
      return ok('written to files, not sent: MAIL_SERVER is not set');
    case 'none':
      return (environment === 'production' ? warn : ok)('none are sent: MAIL_SERVER is not set');
    case 'smtp':
      return examineSmtp(mail.smtp);
  }
}

async function examineSmtp(options: SmtpOptions): Promise<Finding> {
  const { inspectSmtp } = await import('../mail/smtp-inspection.js');
  const where = `at ${options.host}:${options.port}`;
  const inspection = await inspectSmtp(options).catch((error: Error) => error);
  if (inspection instanceof Error) return fail(`the server ${where} takes no mail of ours: ${inspection.message}`);
  const { name, encrypted, login } = inspection;
  const detail = `SMTP server ${name} ${where}, ${encrypted ? '' : 'not '}encrypted`;
  if (login === 'missing') return warn(`${detail}, takes no login, but MAIL_USERNAME is set`);
  return ok(`${detail}, ${login === 'accepted' ? 'login accepted' : 'without a login'}`);
}

function isLocal(server: string): boolean {
  return /^(127\.|localhost:|\[::1\])/.test(server);
}

async function examineServer({ host, port }: Config): Promise<Finding> {
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  try {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000) });
    const { status, faults } = (await response.json()) as { status?: unknown; faults?: unknown };
    if (status === 'ok') return ok(`answers at ${url}`);
    return warn(`answers at ${url}: ${JSON.stringify({ status, faults })}`);
  } catch (error) {
    if (isRefused(error)) return ok(`none runs at ${url}`);
    return warn(`what answers at ${url} is no Parley, or too slow: ${(error as Error).message}`);
  }
}

function isRefused(error: unknown): boolean {
  const { cause } = error as { cause?: NodeJS.ErrnoException };
  return cause?.code === 'ECONNREFUSED';
}
