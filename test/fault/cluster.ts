import type { Random } from '../fixtures/random.js';
import { ServerProcess } from '../fixtures/server-process.js';
import type { LaunchedServer } from '../fixtures/servers/server.js';
import { TcpProxy } from '../fixtures/tcp-proxy.js';
import { FaultyDelivery } from './faulty-delivery.js';

const roles = {
  'api 1': 'api',
  'api 2': 'api',
  'edge 1': 'edge',
  'edge 2': 'edge',
  'projector 1': 'projector',
  'projector 2': 'projector',
  relay: 'relay',
  reactor: 'reactor',
} as const;

export type ProcessName = keyof typeof roles;
export const processNames = Object.keys(roles) as ProcessName[];
export const edgeNames = processNames.filter((name) => roles[name] === 'edge');
export const apiNames = processNames.filter((name) => roles[name] === 'api');

export interface ClusterServers {
  readonly broker: LaunchedServer;
  /** Where read models, keys and leases are, if not in SQLite files. */
  readonly documents: LaunchedServer | undefined;
}

export interface ClusterOptions extends ClusterServers {
  readonly dataDirectory: string;
  /** Settings of Parley that all processes share. */
  readonly settings: NodeJS.ProcessEnv;
  readonly random: Random;
}

/** A process, the network between it and the broker, and, of an edge, that between it and its clients. */
interface Member {
  readonly process: ServerProcess;
  readonly toBroker: TcpProxy;
  readonly fromBroker: FaultyDelivery;
  readonly clients: TcpProxy | undefined;
}

/** Many processes of Parley over one log, with NATS between them, each behind a network of its own. */
export class Cluster {
  private constructor(
    readonly servers: ClusterServers,
    private readonly members: ReadonlyMap<ProcessName, Member>,
  ) {}

  static async start(options: ClusterOptions): Promise<Cluster> {
    const members = new Map<ProcessName, Member>();
    for (const name of processNames) members.set(name, await prepare(roles[name], options));
    const cluster = new Cluster(options, members);
    try {
      const [first, ...others] = processNames;
      // What the first one makes in the data directory, the others find there.
      await cluster.process(first as ProcessName).start();
      await Promise.all(others.map((name) => cluster.process(name).start()));
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  member(name: ProcessName): Member {
    return this.members.get(name) as Member;
  }

  process(name: ProcessName): ServerProcess {
    return this.member(name).process;
  }

  /** Where clients connect to an edge. */
  socketUrl(name: ProcessName): string {
    const { process, clients } = this.member(name);
    const url = new URL(process.socketUrl);
    if (clients) url.port = String(clients.port);
    return url.href;
  }

  /** Every network of the cluster carries everything again. */
  heal(): void {
    for (const { toBroker, fromBroker, clients } of this.members.values()) {
      fromBroker.faulty = false;
      toBroker.heal();
      clients?.heal();
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.members.values()].map(({ process }) => process.end('SIGKILL')));
    await Promise.all([...this.members.values()].flatMap((each) => [each.toBroker.close(), each.clients?.close()]));
  }
}

async function prepare(role: string, { broker, dataDirectory, settings, random }: ClusterOptions): Promise<Member> {
  const fromBroker = new FaultyDelivery(random.fork());
  const toBroker = await TcpProxy.to(placeOf(broker.url), () => fromBroker.alteration());
  const process = await ServerProcess.of(dataDirectory, {
    ...settings,
    PARLEY_BROKER: `nats://127.0.0.1:${toBroker.port}`,
    PARLEY_ROLES: role,
    UV_THREADPOOL_SIZE: '2',
  });
  const clients = role === 'edge' ? await TcpProxy.to(placeOf(process.socketUrl)) : undefined;
  return { process, toBroker, fromBroker, clients };
}

function placeOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}
