import { randomUUID } from 'node:crypto';
import { openKurrentEventStore } from '../../src/event-store/kurrentdb.js';
import { type KurrentAddress, parseKurrentUrl } from '../../src/event-store/kurrentdb-address.js';
import { sayNotRun } from '../fixtures/not-run.js';
import type { LaunchedServer, TestServer } from '../fixtures/servers/server.js';
import { TcpProxy } from '../fixtures/tcp-proxy.js';
import type { LogUnderTest } from './event-store.js';

/** How long stores under test go on trying, in ms: a server that is restarted takes several seconds. */
const patienceMs = 15_000;
/** For what is never answered. */
const shortPatienceMs = 1_000;
/** The deadline of one try, and some more. */
const marginMs = 4_000;

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
    return new KurrentLogs(server.url.replace(place, `127.0.0.1:${proxy.port}`), server, proxy);
  }

  /** A URL with a namespace that nobody else uses. */
  newUrl(url = this.url): string {
    const { place } = parseKurrentUrl(url);
    return url.replace(new RegExp(`${place}(/\\w*)?`), `${place}/test${randomUUID().replaceAll('-', '')}`);
  }

  newAddress(): KurrentAddress {
    return parseKurrentUrl(this.newUrl());
  }

  async newLog(): Promise<LogUnderTest> {
    const address = this.newAddress();
    return {
      open: () => openKurrentEventStore(address, { patienceMs }),
      openHasty: () => openKurrentEventStore(address, { patienceMs: shortPatienceMs }),
      remove: async () => {},
      restart: () => this.#restart(),
      stall: async () => {
        this.proxy?.freeze();
        return {
          givenUpAfterMs: shortPatienceMs + marginMs,
          end: async () => this.proxy?.thaw(),
        };
      },
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

  async #restart(): Promise<void> {
    if ('restart' in this.server) await this.server.restart({ by: 'SIGKILL' });
    else this.cut();
  }
}
