import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../fixtures/random.js';
import { ServerProcess } from '../fixtures/server-process.js';
import type { LaunchedServer } from '../fixtures/servers/server.js';

/** Many processes of Parley over one log, with NATS between them; and what may happen to them. */
export class Cluster {
  private constructor(
    readonly broker: LaunchedServer,
    /** By name. */
    readonly processes: ReadonlyMap<string, ServerProcess>,
  ) {}

  static async start(dataDirectory: string, broker: LaunchedServer): Promise<Cluster> {
    const roles = {
      'api 1': 'api',
      'api 2': 'api',
      'edge 1': 'edge',
      'edge 2': 'edge',
      'projector 1': 'projector',
      'projector 2': 'projector',
      relay: 'relay',
      reactor: 'reactor',
    };
    const processes = new Map<string, ServerProcess>();
    for (const [name, role] of Object.entries(roles)) {
      processes.set(
        name,
        await ServerProcess.of(dataDirectory, {
          PARLEY_BROKER: broker.url,
          PARLEY_ROLES: role,
          UV_THREADPOOL_SIZE: '2',
        }),
      );
    }
    const cluster = new Cluster(broker, processes);
    for (const process of processes.values()) await process.start();
    return cluster;
  }

  process(name: string): ServerProcess {
    return this.processes.get(name) as ServerProcess;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.processes.values()].map((process) => process.end('SIGKILL')));
  }
}

/** Something that goes wrong, and is over again when it resolves. */
export interface Fault {
  readonly name: string;
  strike(): Promise<void>;
}

/** Every fault that the cluster can meet, each with what is drawn for it. */
export function faultsOf(cluster: Cluster, random: Random): Fault[] {
  const faults: Fault[] = [];
  for (const [name, process] of cluster.processes) {
    faults.push({
      name: `${name} is killed`,
      async strike() {
        await process.end('SIGKILL');
        await delay(random.between(0, 1_500));
        await process.start();
      },
    });
    faults.push({
      name: `${name} is stopped for a while`,
      async strike() {
        process.signal('SIGSTOP');
        await delay(random.between(200, 7_000));
        process.signal('SIGCONT');
      },
    });
  }
  faults.push({
    name: 'the broker is restarted',
    strike: () => cluster.broker.restart({ by: random.pick(['SIGTERM', 'SIGKILL']) }),
  });
  faults.push({
    name: 'the broker is stopped for a while',
    async strike() {
      await cluster.broker.signal('SIGSTOP');
      await delay(random.between(200, 4_000));
      await cluster.broker.signal('SIGCONT');
    },
  });
  return faults;
}
