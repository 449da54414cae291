import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../fixtures/random.js';
import type { LaunchedServer } from '../fixtures/servers/server.js';
import type { TcpProxy } from '../fixtures/tcp-proxy.js';
import { type Cluster, edgeNames, type ProcessName, processNames } from './cluster.js';

/** Something that goes wrong. */
export interface Fault {
  readonly name: string;
  /** What it befalls: two faults of one thing don't happen at once. */
  readonly of: string;
  /** Resolves when it is over again. */
  strike(): Promise<void>;
}

/** What can befall a cluster, each drawn with all its circumstances, so that the same seed has the same faults. */
export class Faults {
  readonly #kinds: readonly (() => Fault)[];

  /** @param longestMs - how long what is over by itself may last */
  constructor(
    private readonly cluster: Cluster,
    private readonly random: Random,
    private readonly longestMs: number,
  ) {
    const { documents } = cluster.servers;
    const ofProcesses = [() => this.#end('SIGKILL'), () => this.#end('SIGTERM'), () => this.#stop()];
    const ofNetworks = [() => this.#brokerNetwork(), () => this.#clientNetwork(), () => this.#delivery()];
    const ofServers = [() => this.#server('the broker', cluster.servers.broker)];
    if (documents) ofServers.push(() => this.#server('the document store', documents));
    this.#kinds = [...ofProcesses, ...ofNetworks, ...ofServers];
  }

  /** Those that strike next, at the same time. */
  next(): Fault[] {
    const drawn = Array.from({ length: this.random.pick([1, 2, 2, 3]) }, () => this.random.pick(this.#kinds)());
    return [...new Map(drawn.map((fault) => [fault.of, fault])).values()];
  }

  #end(signal: 'SIGKILL' | 'SIGTERM'): Fault {
    const of = this.random.pick(processNames);
    const process = this.cluster.process(of);
    const downMs = this.random.between(0, 1_500);
    return {
      name: `${of} is ended by ${signal}`,
      of,
      async strike() {
        await process.end(signal);
        await delay(downMs);
        await process.start();
      },
    };
  }

  #stop(): Fault {
    const of = this.random.pick(processNames);
    return this.#paused(of, async (signal) => this.cluster.process(of).signal(signal));
  }

  #server(of: string, server: LaunchedServer): Fault {
    if (this.random.next() < 0.5) return this.#paused(of, (signal) => server.signal(signal));
    const by = this.random.pick(server.survivesKill ? (['SIGTERM', 'SIGKILL'] as const) : (['SIGTERM'] as const));
    const downMs = this.random.between(0, 1_500);
    return {
      name: `${of} is restarted by ${by}`,
      of,
      strike: () => server.restart({ by, whileDown: () => delay(downMs) }),
    };
  }

  #paused(of: string, send: (signal: NodeJS.Signals) => Promise<void>): Fault {
    const lasts = this.#while();
    return {
      name: `${of} is stopped for ${lasts.ms} ms`,
      of,
      async strike() {
        await send('SIGSTOP');
        await lasts.over();
        await send('SIGCONT');
      },
    };
  }

  #brokerNetwork(): Fault {
    const of = this.random.pick(processNames);
    return this.#network(of, 'the broker', this.cluster.member(of).toBroker);
  }

  #clientNetwork(): Fault {
    const of = this.random.pick(edgeNames);
    return this.#network(of, 'its clients', this.cluster.member(of).clients as TcpProxy);
  }

  /** In one of the ways in which networks fail. */
  #network(of: ProcessName, other: string, proxy: TcpProxy): Fault {
    const lasts = this.#while();
    const between = `between ${of} and ${other}`;
    const passing = (what: string, begin: () => void): Fault => ({
      name: `${what} ${between} for ${lasts.ms} ms`,
      of: between,
      async strike() {
        begin();
        await lasts.over();
        proxy.heal();
      },
    });
    const sudden = (what: string, strike: () => void): Fault => ({
      name: `${what} ${between}`,
      of: between,
      strike: async () => strike(),
    });
    const slowestMs = this.random.between(20, 400);
    const bytesPerMs = this.random.between(1, 20);
    const jitter = this.random.fork();
    return this.random.pick([
      () => passing('nothing comes through', () => proxy.freeze()),
      () => passing('connections are half open', () => proxy.hang()),
      () => passing('there is latency', () => proxy.slow(() => jitter.between(0, slowestMs))),
      () => passing('little is read at once', () => proxy.slow((bytes) => bytes / bytesPerMs)),
      () => sudden('connections are reset', () => proxy.reset()),
      () => sudden('connections are closed', () => proxy.cut()),
    ])();
  }

  #delivery(): Fault {
    const of = this.random.pick(processNames);
    const { fromBroker } = this.cluster.member(of);
    const lasts = this.#while();
    return {
      name: `messages to ${of} are lost, doubled and out of order for ${lasts.ms} ms`,
      of: `delivery to ${of}`,
      async strike() {
        fromBroker.faulty = true;
        await lasts.over();
        fromBroker.faulty = false;
      },
    };
  }

  #while(): { readonly ms: number; over(): Promise<void> } {
    const ms = this.random.between(200, this.longestMs);
    return { ms, over: () => delay(ms) };
  }
}
