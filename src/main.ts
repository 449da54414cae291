import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { RecordedEvent } from '../domain/event.js';
import { projections } from '../projections/catalogue.js';
import { mailFolderOf, openBroker, openEventStore, openKeys, openLeases, openMail, openReadStore } from './adapters.js';
import { Api } from './api/api.js';
import { AccessTokens } from './auth/access-tokens.js';
import { LiveAddressRules } from './auth/address-rules.js';
import { ensureAdmin } from './auth/first-admin.js';
import { createIdentity, type Identity } from './auth/identity.js';
import { InternalTokens } from './auth/internal-tokens.js';
import type { Authenticator } from './auth/session.js';
import { SessionAuthenticator } from './auth/session-authenticator.js';
import { ensureSigningKey } from './auth/signing-key-rotation.js';
import { keyringOf, SigningKeys } from './auth/signing-keys.js';
import { isWatched, publishEvent } from './broker/feed-publisher.js';
import type { LossReason } from './broker/nats.js';
import type { Broker } from './broker/port.js';
import { ClientForwarding } from './client-forwarding.js';
import { Closers } from './closers.js';
import { CommandLimits } from './commands/command-limits.js';
import { Pipeline } from './commands/pipeline.js';
import type { CommandExecutor, CommandPipeline } from './commands/port.js';
import type { Config } from './config.js';
import { prepareDataDirectory } from './data-directory.js';
import type { Codec } from './event-store/codec.js';
import { createCodec } from './event-store/event-codec.js';
import type { EventStore } from './event-store/port.js';
import { Health } from './health.js';
import type { KeyStore } from './keys/port.js';
import { edgeLeases, writeAttendance } from './leases/attendance.js';
import { type Held, Lease } from './leases/lease.js';
import type { LeaseStore } from './leases/port.js';
import { createLogger } from './logger.js';
import type { MailTransport } from './mail/port.js';
import { Metrics } from './metrics.js';
import { mayCall, urlOf } from './origins.js';
import { refuseCheckpointsAhead } from './projector/checkpoint-ahead.js';
import type { Projector } from './projector/port.js';
import { Proxies } from './proxies.js';
import type { LogReactor } from './reactors/log-reactor.js';
import type { ReadStore } from './read-store/port.js';
import { Positions } from './read-store/positions.js';
import { LiveStreams } from './relay/live-streams.js';
import { Receipts, type ReceiptsOptions } from './relay/receipts.js';
import { loadMasterKeys } from './secrets.js';

/** Puts a whole process together: the only place that knows every part. */

export interface StartOptions {
  readonly logger?: Logger;
  /** Told once when a store has failed for good: whoever is in charge had better end the process. */
  readonly onFatal?: (error: Error) => void;
}

/** A running Parley. */
export interface Parley {
  /** Where HTTP is served; undefined without the role `api`. */
  readonly url: string | undefined;
  /** Where the edge's sockets are; undefined without the role `edge`. */
  readonly edgeUrl: string | undefined;
  /** Where `/health` and `/metrics` are, whatever the roles. */
  readonly operationsUrl: string;
  readonly health: Health;
  /** Stops taking anything new, finishes what was begun, tells sockets to connect again, and closes the stores. */
  close(): Promise<void>;
}

/** What every role works with. */
export interface Foundation {
  readonly config: Config;
  readonly logger: Logger;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly keys: KeyStore;
  readonly codec: Codec;
  readonly eventStore: EventStore;
  readonly readStore: ReadStore;
  readonly positions: Positions;
  readonly broker: Broker;
  readonly liveStreams: LiveStreams;
  readonly accessTokens: AccessTokens;
  readonly internalTokens: InternalTokens;
  readonly proxies: Proxies;
  readonly addressRules: LiveAddressRules;
  readonly forwarding: ClientForwarding;
  readonly commandLimits: CommandLimits;
  readonly leases: LeaseStore;
  /** Names this process among all that hold leases. */
  readonly holder: string;
  readonly closers: Closers;
}

export async function startParley(config: Config, options: StartOptions = {}): Promise<Parley> {
  const closers = new Closers();
  try {
    const foundation = await lay(config, options, closers);
    return await startRoles(foundation);
  } catch (error) {
    await closers.close().catch(() => {});
    throw error;
  }
}

/** Opens the stores. */
async function lay(config: Config, options: StartOptions, closers: Closers): Promise<Foundation> {
  const logger = options.logger ?? createLogger(config);
  const onFatal = options.onFatal ?? ((error) => logger.fatal({ err: error }, 'a store has failed'));
  warnOfPlainHttp(config, logger);
  await prepareDataDirectory(config.dataDirectory);
  const keys = closers.add(await openKeys(config, await loadMasterKeys(config), logger, onFatal));
  const eventStore = closers.add(await openEventStore(config, logger, onFatal));
  const readStore = closers.add(await openReadStore(config, logger));
  await refuseCheckpointsAhead({ eventStore, readStore, projections });
  const leases = closers.add(await openLeases(config, logger));
  const health = new Health();
  const metrics = new Metrics();
  const broker = closers.add(await openBroker(config, logger, countLosses(metrics)));
  health.watchUseful('broker', () => broker.fault);
  health.watchUseful('event store', () => eventStore.fault);
  const codec = createCodec(keys);
  const onError = (error: unknown) => logger.error({ err: error }, 'the watched streams could not be read');
  const liveStreams = await LiveStreams.start({ eventStore, codec, broker, onError });
  closers.defer(async () => liveStreams.stop());
  await followReceipts({ liveStreams, logger, closers }, (people) => {
    for (const person of people) codec.forget(person);
  }).tell();
  const addressRules = await LiveAddressRules.start({ liveStreams, onError });
  closers.defer(async () => addressRules.stop());
  const accessTokens = openAccessTokens(config, keys, liveStreams);
  const internalTokens = await InternalTokens.open(keys);
  return {
    config,
    logger,
    health,
    metrics,
    keys,
    codec,
    eventStore,
    readStore,
    positions: new Positions(readStore),
    broker,
    liveStreams,
    accessTokens,
    internalTokens,
    proxies: new Proxies(config),
    addressRules,
    forwarding: new ClientForwarding(),
    commandLimits: new CommandLimits(config.commandsPerMinute),
    leases,
    holder: randomUUID(),
    closers,
  };
}

/** Does what is to be done for those who are forgotten from now on, and at `tell` for everybody up to now. */
function followReceipts(
  { liveStreams, logger, closers }: Pick<Foundation, 'liveStreams' | 'logger' | 'closers'>,
  onForgotten: ReceiptsOptions['onForgotten'],
): Receipts {
  const onError = (error: unknown) => logger.error({ err: error }, 'what was to be forgotten is not yet');
  const receipts = new Receipts({ liveStreams, onForgotten, onError });
  closers.defer(() => receipts.stop());
  return receipts;
}

/** Access tokens as these settings have them signed. */
export function openAccessTokens(config: Config, keys: KeyStore, liveStreams: LiveStreams): AccessTokens {
  return new AccessTokens({
    signingKeys: new SigningKeys(keyringOf(liveStreams), keys),
    sharedSecret: config.jwtSecret,
    issuer: config.tokenIssuer,
    audience: config.tokenAudience,
  });
}

function countLosses(metrics: Metrics): (reason: LossReason) => void {
  const help = 'Messages that the broker did not carry, by reason; whoever misses them reads the log.';
  return metrics.counterBy('parley_broker_lost_total', help, 'reason');
}

function warnOfPlainHttp({ environment, tls }: Config, logger: Logger): void {
  if (environment !== 'production' || tls !== 'off') return;
  logger.warn('passwords and tokens go over plain HTTP: let TLS end at a proxy, and say so with PARLEY_TLS=proxy');
}

async function startRoles(foundation: Foundation): Promise<Parley> {
  const { config, health, closers } = foundation;
  const { roles } = config;
  if (roles.has('projector')) await runProjector(foundation);
  if (roles.has('relay')) await runRelay(foundation);
  const pipeline = executesCommands(config) ? await openPipeline(foundation) : undefined;
  // Before anything is asked of this process: a new reactor begins at the head of the log.
  if (pipeline && roles.has('reactor')) await runReactors(foundation, pipeline);
  const commands = pipeline ?? (await openRemote(foundation));
  const authenticator = new SessionAuthenticator({
    ...foundation,
    commands,
    onError: (error) => foundation.logger.warn({ err: error }, 'it could not be noted from where a session is used'),
  });
  const edge = roles.has('edge') ? await runEdge(foundation, commands, authenticator) : undefined;
  const api = pipeline && roles.has('api') ? await serveApi(foundation, pipeline, authenticator, edge?.url) : undefined;
  if (api && pipeline && config.broker !== 'in-process') await respondToCommands(foundation, pipeline);
  // Last, so that nobody is told that a process is ready before it is.
  const operations = api ?? closers.add(await Api.startOperations(foundation));
  return {
    url: api?.url,
    edgeUrl: edge?.url,
    operationsUrl: operations.url,
    health,
    async close() {
      health.drain();
      await edge?.close();
      await closers.close();
    },
  };
}

/** An edge by itself sends its commands to others, where there is a broker that reaches them. */
function executesCommands({ roles, broker }: Config): boolean {
  return roles.has('api') || roles.has('reactor') || (roles.has('edge') && broker === 'in-process');
}

async function openPipeline(foundation: Foundation): Promise<CommandPipeline> {
  const { broker, liveStreams, closers, metrics } = foundation;
  const publish = (event: RecordedEvent) => {
    // What this process did itself it knows at once, however long the broker takes.
    if (isWatched(event.stream)) liveStreams.note(event.stream, event.revision);
    publishEvent(broker, event);
  };
  const pipeline = await Pipeline.open({ ...foundation, publish });
  closers.defer(() => pipeline.drain());
  return metrics.timed(pipeline);
}

async function openRemote({ broker, closers, metrics }: Foundation): Promise<CommandExecutor> {
  const { RemoteCommands } = await import('./commands/remote.js');
  const remote = new RemoteCommands({ broker });
  closers.defer(async () => remote.stop());
  return metrics.timedExecutor(remote);
}

async function respondToCommands(foundation: Foundation, commands: CommandExecutor): Promise<void> {
  const { CommandResponder } = await import('./commands/remote-responder.js');
  const responder = new CommandResponder({ ...foundation, commands });
  foundation.closers.defer(() => responder.stop());
}

async function serveApi(
  foundation: Foundation,
  pipeline: CommandPipeline,
  authenticator: Authenticator,
  edgeUrl: string | undefined,
): Promise<Api> {
  const { config, keys, closers } = foundation;
  if (config.jwtSecret === undefined) await ensureSigningKey({ keys, pipeline });
  const identity = await createIdentity({ ...foundation, pipeline, settings: config });
  await appointAdmin(foundation, pipeline, identity);
  const parts = { ...foundation, pipeline, authenticator, identity };
  return closers.add(await Api.start({ ...parts, ...(edgeUrl !== undefined && { edgeUrl }) }));
}

/** The settings may name who is an admin from the start. */
async function appointAdmin(
  { config, logger }: Foundation,
  pipeline: CommandPipeline,
  identity: Identity,
): Promise<void> {
  const { adminEmail: email, adminPassword: password } = config;
  if (email === undefined) return;
  const outcome = await ensureAdmin(identity, pipeline, { email, password, verifiedOnly: true });
  if (outcome === 'no-such-account') {
    logger.warn('nobody has the address of PARLEY_ADMIN_EMAIL: set PARLEY_ADMIN_PASSWORD to have the account made');
  } else if (outcome === 'not-verified') {
    logger.warn('whoever has the address of PARLEY_ADMIN_EMAIL has not verified it: have them, or run `parley admin`');
  } else if (outcome !== 'already-admin') logger.info({ outcome }, 'the admin of PARLEY_ADMIN_EMAIL is there');
}

async function runRelay({ eventStore, broker, logger, closers }: Foundation): Promise<void> {
  const { Relay } = await import('./relay/relay.js');
  const onError = (error: unknown) => logger.error({ err: error }, 'the relay could not follow the log');
  const relay = await Relay.start({ eventStore, broker, onError });
  closers.defer(() => relay.stop());
}

async function runReactors(foundation: Foundation, commands: CommandPipeline): Promise<void> {
  const { config, keys } = foundation;
  const folder = mailFolderOf(config);
  void followReceipts(foundation, async (people) => {
    await keys.destroy(people);
    await folder.forget(people);
  }).tell();
  const running = new Set<LogReactor>();
  await underLease(foundation, 'reactor/timer', async () => {
    const { TimerReactor } = await import('./reactors/timer.js');
    return new TimerReactor({ ...foundation, commands });
  });
  await underLease(foundation, 'reactor/rosters', async () => {
    const { RosterReactor } = await import('./reactors/rosters.js');
    return new RosterReactor({ ...foundation, commands, graceMs: config.roomGraceMs });
  });
  const transport = await openMail(config, folder, foundation.logger);
  if (transport) {
    foundation.closers.add(transport);
    await underLease(foundation, 'reactor/mail', () => startMail(foundation, commands, transport, running));
  } else foundation.logger.warn('no mails are sent: MAIL_SERVER is not set');
  watchReactors(foundation, running);
}

async function startMail(
  foundation: Foundation,
  commands: CommandPipeline,
  transport: MailTransport,
  running: Set<LogReactor>,
): Promise<{ stop(): Promise<void> }> {
  const { config, internalTokens: tokens } = foundation;
  const { startMailReactor } = await import('./reactors/mail.js');
  const linkBase = config.linkBase ?? urlOf(config.host, config.port);
  const reactor = await startMailReactor({ ...foundation, commands, transport, tokens, linkBase });
  running.add(reactor);
  return {
    stop() {
      running.delete(reactor);
      return reactor.stop();
    },
  };
}

/**
 * Has something done by one process at a time; resolves once this one has begun it, or another one was found to do it.
 * @throws what keeps this one from beginning it
 */
async function underLease(foundation: Foundation, name: string, begin: Held): Promise<void> {
  const { leases, holder, logger, health, closers } = foundation;
  const onError = (error: unknown) => logger.error({ err: error, lease: name }, 'what a lease is for has failed');
  const lease = new Lease({ store: leases, name, holder, onError });
  closers.defer(() => lease.stop());
  health.watch(name, () =>
    lease.failure === undefined ? undefined : `has failed: ${(lease.failure as Error).message}`,
  );
  await lease.start(begin);
}

function watchReactors({ health, metrics, eventStore }: Foundation, reactors: ReadonlySet<LogReactor>): void {
  health.watchUseful('reactors', () => {
    const waiting = [...reactors].filter(({ blockedBy }) => blockedBy);
    return waiting.map(({ name, blockedBy }) => `${name} waits, because of ${blockedBy}`).join('; ') || undefined;
  });
  metrics.gaugeBy('parley_reactor_open', 'Events that a reactor has read and not done.', 'reactor', async () =>
    [...reactors].map(({ name, open }) => [name, open] as const),
  );
  metrics.gaugeBy('parley_reactor_lag', 'Positions between the log and a reactor.', 'reactor', async () => {
    const head = await eventStore.head();
    return [...reactors].map(({ name, through }) => [name, Number(head - through)] as const);
  });
}

async function runProjector(foundation: Foundation): Promise<void> {
  const { eventStore, health, metrics } = foundation;
  /** While this process holds the lease; others do it else. */
  let projector: Projector | undefined;
  await underLease(foundation, 'projector', async () => {
    const { startProjector } = await import('./projector/projector.js');
    const begun = await startProjector({ ...foundation, projections });
    projector = begun;
    return {
      stop() {
        projector = undefined;
        return begun.stop();
      },
    };
  });
  const each = () => projector?.status().projections ?? [];
  const stopped = () => each().filter(({ state }) => state === 'stopped');
  health.watch('projections', () => {
    const names = stopped().map(({ projection, failure }) => `${projection} has stopped: ${failure}`);
    return [...names, projector?.status().failure ?? []].flat().join('; ') || undefined;
  });
  metrics.gauge('parley_projections_stopped', 'Projections that an event has stopped.', () => stopped().length);
  metrics.gaugeBy('parley_projection_lag', 'Positions between the log and a projection.', 'projection', async () => {
    const head = await eventStore.head();
    return each().map(({ projection, position }) => [projection, Number(head - position)] as const);
  });
}

interface RunningEdge {
  readonly url: string;
  close(): Promise<void>;
}

async function runEdge(
  foundation: Foundation,
  commands: CommandExecutor,
  authenticator: Authenticator,
): Promise<RunningEdge> {
  const { config, metrics, closers } = foundation;
  const { startEdge } = await import('./edge/edge.js');
  const edge = await startEdge({
    ...foundation,
    host: config.host,
    port: config.edgePort,
    commands,
    authenticator,
    allowedOrigins: (origin) => mayCall(config, origin),
  });
  followReceipts(foundation, () => edge.forgetRecent());
  metrics.gauge('parley_edge_sockets', 'Sockets that are connected to this edge.', () => edge.stats().sockets);
  metrics.gauge('parley_edge_feeds', 'Feeds that this edge follows.', () => edge.stats().feeds);
  const lease = new Lease({
    ...foundation,
    store: foundation.leases,
    name: `${edgeLeases}${foundation.holder}`,
    note: () => writeAttendance(edge.attendance),
    onError: (error) => foundation.logger.warn({ err: error }, 'it could not be told who is connected to this edge'),
  });
  void lease.start(async () => ({ stop: async () => {} }));
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= lease.stop().then(() => edge.close());
    return closing;
  };
  closers.defer(close);
  return { url: urlOf(config.host, edge.port), close };
}
