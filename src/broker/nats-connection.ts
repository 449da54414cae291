import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';
import type { NatsAddress } from './nats-address.js';

/**
 * A connection to NATS that comes back for ever.
 *
 * The client's own reconnecting is off. It hangs where a server is frozen while much is on its way to it (it wants to
 * flush first), it takes a frozen server for one that is about to answer for 20 s, it gives up after two refusals of the
 * credentials, and what is published meanwhile is lost or not without a word. Here a connection that does not answer is
 * dropped at once, and whoever publishes knows whether there is one.
 */

export interface LastingConnectionOptions {
  readonly address: NatsAddress;
  /** A connection is there: its subscriptions are to be made now. */
  readonly onConnection: (connection: NatsConnection) => void;
  /** The subscriptions are in effect. */
  readonly onReachable: (server: string) => void;
  /** It can't be had, or was lost. */
  readonly onUnreachable: (reason: string) => void;
  /** The server does not let us do something. */
  readonly onRefusal: (error: Error) => void;
}

/** How long a server may take to greet, in ms. */
const greetingMs = 3_000;
/** How often it is asked whether it lives, in ms, and how many answers may be missing. */
const pingMs = 1_500;
const missingPongs = 2;
/** Between two tries, in ms: doubled from one to the next, up to a limit, and up to half of it less by chance. */
const firstDelayMs = 100;
const longestDelayMs = 2_000;
/** How long what was published may take on its way out at the end, in ms. */
const drainMs = 2_000;

export class LastingConnection {
  readonly #closing = new AbortController();
  #current: NatsConnection | undefined;
  #fault: string | undefined = 'not connected yet';

  private constructor(private readonly options: LastingConnectionOptions) {}

  /** Resolves after the first try, whatever it brought. */
  static async open(options: LastingConnectionOptions): Promise<LastingConnection> {
    const lasting = new LastingConnection(options);
    await new Promise<void>((tried) => void lasting.#run(tried));
    return lasting;
  }

  /** Undefined while there is none. */
  get current(): NatsConnection | undefined {
    return this.#current;
  }

  /** Why there is none. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** What has come is handed over, what was published is sent, if that can be done soon. */
  async close(): Promise<void> {
    this.#closing.abort();
    const connection = this.#current;
    this.#current = undefined;
    this.#fault = 'closed';
    if (connection) {
      await Promise.race([connection.drain().catch(() => {}), sleep(drainMs, undefined, { ref: false })]);
      await connection.close();
    }
  }

  async #run(tried: () => void): Promise<void> {
    const { signal } = this.#closing;
    for (let failures = 0; !signal.aborted; ) {
      try {
        await this.#hold(await connect(optionsOf(this.options.address)), tried);
        failures = 0;
      } catch (error) {
        this.#lost((error as Error).message);
        failures += 1;
      }
      tried();
      await sleep(delayAfter(failures), undefined, { signal }).catch(() => {});
    }
  }

  /** Resolves when the connection has ended. */
  async #hold(connection: NatsConnection, inEffect: () => void): Promise<void> {
    if (this.#closing.signal.aborted) return connection.close();
    const ended = connection.closed();
    void this.#watch(connection);
    this.options.onConnection(connection);
    this.#current = connection;
    await Promise.race([connection.flush(), ended]);
    if (!connection.isClosed()) {
      this.#fault = undefined;
      this.options.onReachable(connection.getServer());
      inEffect();
    }
    const reason = await ended;
    this.#lost(reason instanceof Error ? reason.message : 'the connection was closed');
  }

  async #watch(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === 'staleConnection') await connection.close();
      else if (status.type === 'error') this.options.onRefusal(status.error);
    }
  }

  #lost(reason: string): void {
    if (this.#closing.signal.aborted) return;
    this.#current = undefined;
    if (this.#fault === reason) return;
    this.#fault = reason;
    this.options.onUnreachable(reason);
  }
}

/** @throws if no server of the address can be reached */
export function connectOnce(address: NatsAddress): Promise<NatsConnection> {
  return connect(optionsOf(address));
}

function optionsOf({ servers, tls, credentials, namespace }: NatsAddress): NodeConnectionOptions {
  return {
    servers: [...servers],
    name: 'parley',
    reconnect: false,
    timeout: greetingMs,
    pingInterval: pingMs,
    maxPingOut: missingPongs,
    inboxPrefix: `${namespace}.answers`,
    noAsyncTraces: true,
    ...(tls && { tls: {} }),
    ...credentials,
  };
}

function delayAfter(failures: number): number {
  const delay = Math.min(firstDelayMs * 2 ** failures, longestDelayMs);
  return delay * (1 - Math.random() / 2);
}
