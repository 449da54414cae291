import { randomUUID } from 'node:crypto';
import { openKurrentEventStore } from '../../src/event-store/kurrentdb.js';
import { parseKurrentUrl } from '../../src/event-store/kurrentdb-address.js';
import { inspectKurrent } from '../../src/event-store/kurrentdb-inspection.js';
import { say, sayNotRun } from '../fixtures/not-run.js';
import type { LaunchedServer, TestServer } from '../fixtures/servers/server.js';
import { TcpProxy } from '../fixtures/tcp-proxy.js';
import type { LogUnderTest, Stall } from './event-store.js';

/** How long stores under test go on trying, in ms: a server that is restarted takes several seconds. */
const patienceMs = 15_000;
/** For what is never answered. */
const shortPatienceMs = 1_000;
/** The deadline of one try, and some more. */
const marginMs = 4_000;

const hosts = /^(?<before>\w+(?:\+discover)?:\/\/(?:[^@/?]+@)?)(?<hosts>[^@/?]+)(?:\/\w*)?/;

/** The URL of a KurrentDB, with a namespace that nobody else uses. */
export function inNewNamespace(url: string): string {
  return url.replace(hosts, `$<before>$<hosts>/test${randomUUID().replaceAll('-', '')}`);
}

/**
 * Says which server the tests run over.
 * @throws if nothing can be done with it: then no test needs to find that out by itself
 */
export async function introduce(server: TestServer): Promise<void> {
  const address = parseKurrentUrl(inNewNamespace(server.url));
  const store = await openKurrentEventStore(address, { onWarning: say });
  await store.close();
  const { version = 'of a version that it does not tell' } = await inspectKurrent(address);
  say(`these tests run over KurrentDB ${version} at ${address.place}`);
}

/**
 * Parts of a KurrentDB's log, each with a name of its own, so that they begin empty whatever else the server keeps, and
 * behind a proxy that can hold it up and cut it off, so that no test needs to own the server.
 */
export class KurrentLogs {
  private constructor(
    private readonly url: string,
    private readonly server: TestServer | LaunchedServer,
    private readonly proxy: TcpProxy | undefined,
  ) {}

  static async on(server: TestServer | LaunchedServer): Promise<KurrentLogs> {
    const { place, node, tls } = parseKurrentUrl(server.url);
    if (tls || place.includes(',') || server.url.startsWith('kurrentdb+discover')) {
      sayNotRun('what cuts KurrentDB off', 'its URL names several nodes or TLS, which no proxy can stand before');
      return new KurrentLogs(server.url, server, undefined);
    }
    const proxy = await TcpProxy.to(() => node);
    return new KurrentLogs(server.url.replace(hosts, `$<before>127.0.0.1:${proxy.port}`), server, proxy);
  }

  /** A URL with a namespace that nobody else uses. */
  newUrl(): string {
    return inNewNamespace(this.url);
  }

  async newLog(): Promise<LogUnderTest> {
    const address = parseKurrentUrl(this.newUrl());
    return {
      open: () => openKurrentEventStore(address, { patienceMs }),
      openHasty: () => openKurrentEventStore(address, { patienceMs: shortPatienceMs }),
      remove: async () => {},
      restart: () => this.#restart(),
      stall: async () => this.#stall(),
    };
  }

  /** Breaks all connections. */
  cut(): void {
    this.proxy?.cut();
  }

  async close(): Promise<void> {
    await this.proxy?.close();
    await this.server.stop();
  }

  #stall(): Stall {
    const { proxy } = this;
    if (!proxy) return { end: async () => {} };
    proxy.freeze();
    return { givenUpAfterMs: shortPatienceMs + marginMs, end: async () => proxy.thaw() };
  }

  async #restart(): Promise<void> {
    if ('restart' in this.server) await this.server.restart({ by: 'SIGKILL' });
    else this.cut();
  }
}
