import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import type { ClientForwarding } from '../client-forwarding.js';
import { urlOf } from '../origins.js';
import { type ApiParts, apiModule } from './api.module.js';
import { type ForwardedSockets, forwardToEdge } from './edge-proxy.js';
import { createServer } from './server.js';

export interface ApiOptions extends ApiParts {
  /** Where the edge listens, if its paths are to be reachable here. */
  readonly edgeUrl?: string;
  readonly forwarding: ClientForwarding;
}

const sweepMs = 25;
const farewellMs = 1_000;

/** Serves HTTP. */
export class Api {
  private constructor(
    private readonly application: NestFastifyApplication,
    private readonly forwarded: ForwardedSockets,
    readonly url: string,
  ) {}

  /** @throws if the port can't be listened on */
  static async start({ edgeUrl, forwarding, ...parts }: ApiOptions): Promise<Api> {
    const { config } = parts;
    const adapter = await createServer(parts);
    const application = await NestFactory.create<NestFastifyApplication>(apiModule(parts), adapter, {
      bodyParser: false,
      logger: false,
      abortOnError: false,
    });
    const server = adapter.getInstance() as unknown as FastifyInstance;
    const forwarded = edgeUrl === undefined ? new Set<never>() : await forwardToEdge(server, edgeUrl, forwarding);
    await application.listen(config.port, config.host);
    return new Api(application, forwarded, urlOf(config.host, portOf(application)));
  }

  /**
   * Takes no new connections and resolves once every request is answered. To be called after the edge was closed: its
   * sockets here still get to their clients what it has told them.
   */
  async close(): Promise<void> {
    for (let waited = 0; this.forwarded.size > 0 && waited < farewellMs; waited += sweepMs) await sleep(sweepMs);
    // Node closes the connections that are idle now, and would wait for the others to become so and time out.
    const server: Server = this.application.getHttpServer();
    const sweeping = setInterval(() => server.closeIdleConnections(), sweepMs);
    await this.application.close().finally(() => clearInterval(sweeping));
  }
}

function portOf(application: NestFastifyApplication): number {
  return (application.getHttpServer().address() as AddressInfo).port;
}
