import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { type ChangingGate, openGate } from '../auth/address-rules.js';
import type { Authenticator } from '../auth/session.js';
import type { Broker } from '../broker/port.js';
import { ClientForwarding } from '../client-forwarding.js';
import type { CommandLimits } from '../commands/command-limits.js';
import type { CommandExecutor } from '../commands/port.js';
import type { Codec } from '../event-store/codec.js';
import type { EventStore } from '../event-store/port.js';
import type { Attendance } from '../leases/attendance.js';
import { Proxies } from '../proxies.js';
import type { ReadStore } from '../read-store/port.js';
import type { Positions } from '../read-store/positions.js';
import { LogWatch } from '../relay/log-watch.js';
import { admit } from './admission.js';
import type { CloseCause } from './close-codes.js';
import type { EdgeContext } from './context.js';
import { FeedLog } from './feed-log.js';
import { Feeds } from './feeds.js';
import { defaultLimits, type EdgeLimits } from './limits.js';
import { RoomAttendance } from './room-attendance.js';
import { Session } from './session.js';
import { Sessions } from './sessions.js';
import { Snapshots } from './snapshots.js';
import { StoredAccess } from './stored-access.js';
import { Tick } from './tick.js';
import { listen, type TransportChoice } from './transport/listen.js';
import type { EdgeSocket, EdgeTransport, Handshake, SocketHandler } from './transport/port.js';

export interface EdgeOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly transport?: TransportChoice;
  readonly eventStore: EventStore;
  readonly codec: Codec;
  readonly readStore: Pick<ReadStore, 'read'>;
  readonly positions: Pick<Positions, 'waitFor'>;
  readonly broker: Broker;
  readonly commands: CommandExecutor;
  /** What each person may issue, shared with whatever else takes commands in this process. */
  readonly commandLimits: CommandLimits;
  readonly authenticator: Authenticator;
  /** Origins (scheme, host and port) of pages that may connect, or whether one may. No origin: not a browser. */
  readonly allowedOrigins: readonly string[] | ((origin: string) => boolean);
  /** The proxies before this process; none unless told. */
  readonly proxies?: Proxies;
  /** From where sockets are let in, and may stay; from anywhere unless told. */
  readonly addressRules?: ChangingGate;
  /** Recognises the sockets that the api of the same process forwards. */
  readonly forwarding?: ClientForwarding;
  readonly logger: Logger;
  readonly limits?: Partial<EdgeLimits>;
}

export interface EdgeStats {
  readonly transport: 'uws' | 'ws';
  readonly sockets: number;
  readonly authenticatedSockets: number;
  readonly persons: number;
  readonly feeds: number;
  readonly liveSubscriptions: number;
  readonly commandsInFlight: number;
  /** Position through which the feeds' heads are known. */
  readonly announcedThrough: string;
  readonly closes: Readonly<Partial<Record<CloseCause, number>>>;
}

/** How long commands in flight are waited for, and then the sockets' closing handshakes, in ms. */
const drainMs = 3_000;
const farewellMs = 1_000;

/** Serves WebSockets: people who follow feeds live and issue commands. */
export class Edge {
  constructor(
    private readonly transport: EdgeTransport,
    private readonly context: EdgeContext,
    private readonly watch: LogWatch,
    private readonly subscriptions: readonly { unsubscribe(): void }[],
  ) {}

  get port(): number {
    return this.transport.port;
  }

  /** Who is in which room through this edge. */
  get attendance(): Attendance {
    return this.context.attendance.attendance;
  }

  stats(): EdgeStats {
    const { sessions, feeds, commandsInFlight, closes } = this.context;
    return {
      transport: this.transport.name,
      sockets: sessions.size,
      authenticatedSockets: sessions.authenticated,
      persons: sessions.persons,
      feeds: feeds.size,
      liveSubscriptions: feeds.live,
      commandsInFlight,
      announcedThrough: String(this.watch.through),
      closes: Object.fromEntries(closes),
    };
  }

  /** Has nothing sent from memory any more that was made before someone was forgotten. */
  forgetRecent(): void {
    this.context.feeds.forgetRecent();
  }

  /** Takes no more sockets and commands, answers those in flight, and tells all sockets to connect again. */
  async close(): Promise<void> {
    const { context } = this;
    context.draining = true;
    this.transport.stopListening();
    await until(() => context.commandsInFlight === 0, drainMs);
    context.sessions.closeAll('shutting-down');
    await until(() => context.sessions.size === 0, farewellMs);
    context.sessions.stop();
    this.watch.stop();
    for (const subscription of this.subscriptions) subscription.unsubscribe();
    context.feeds.close();
    await this.transport.close();
  }
}

/** @throws if the port can't be listened on, or the log can't be read */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const { logger, broker, eventStore, commands } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const onError = (error: unknown) => logger.error({ err: error }, 'the edge met an error');
  const sessions = new Sessions(limits);
  // made before the transport that it publishes to, which accepts sockets at once
  const publishing: { to?: EdgeTransport } = {};
  const feeds = new Feeds({
    broker,
    transport: { publish: (topic, text) => publishing.to?.publish(topic, text) },
    log: new FeedLog(eventStore, options.codec),
    accessReader: new StoredAccess(options.readStore, options.positions),
    limits,
    tick: new Tick(),
    onError,
  });
  const context: EdgeContext = {
    limits,
    logger,
    authenticator: options.authenticator,
    commands,
    commandLimits: options.commandLimits,
    feeds,
    snapshots: new Snapshots(options.readStore, options.positions),
    sessions,
    attendance: new RoomAttendance(),
    closes: new Map(),
    commandsInFlight: 0,
    draining: false,
  };
  const { addressRules = openGate } = options;
  const admissionRules = {
    mayConnect: originCheck(options.allowedOrigins),
    proxies: options.proxies ?? new Proxies({ trustedProxyHops: 0, tls: 'off' }),
    addressRules,
    forwarding: options.forwarding ?? new ClientForwarding(),
  };
  let watch: LogWatch | undefined;
  try {
    watch = await LogWatch.start({
      broker,
      eventStore,
      onHeads: (heads) => feeds.noteHeads(heads),
      onLost(error) {
        onError(error);
        sessions.closeAll('log-unreachable');
      },
    });
    const { host, port, transport = 'auto' } = options;
    publishing.to = await listen(transport, {
      host,
      port,
      limits,
      logger,
      admit(request) {
        const admission = admit(admissionRules, request);
        if ('refusal' in admission) logger.info({ code: admission.refusal.code }, 'access was denied');
        return admission;
      },
      accept: (socket, handshake) => accept(context, socket, handshake),
    });
    return new Edge(publishing.to, context, watch, [
      options.authenticator.onChange((personId) => sessions.recheck(personId)),
      addressRules.onChange(() =>
        sessions.closeUnless(({ address }) => addressRules.permits(address), 'address-refused'),
      ),
    ]);
  } catch (error) {
    watch?.stop();
    sessions.stop();
    throw error;
  }
}

function accept(
  context: EdgeContext,
  socket: EdgeSocket,
  { authorization, address }: Handshake,
): SocketHandler | undefined {
  const session = new Session(context, socket, address);
  if (context.draining || !context.sessions.hasRoom) {
    session.close(context.draining ? 'shutting-down' : 'busy');
    return undefined;
  }
  context.sessions.add(session);
  const [scheme, token] = authorization.split(' ');
  if (scheme?.toLowerCase() === 'bearer' && token) void session.authenticate({ token });
  return session;
}

function originCheck(allowed: EdgeOptions['allowedOrigins']): (origin: string) => boolean {
  if (typeof allowed === 'function') return allowed;
  const origins = new Set(allowed);
  return (origin) => origins.has(origin);
}

async function until(done: () => boolean, ms: number): Promise<void> {
  const end = performance.now() + ms;
  while (!done() && performance.now() < end) await sleep(10);
}
