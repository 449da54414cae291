import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import type { ClientForwarding } from '../client-forwarding.js';
import { urlOf } from '../origins.js';
import { type ApiParts, apiModule } from './api.module.js';
import { type ForwardedSockets, forwardToEdge } from './edge-proxy.js';
import { type OperationsParts, operationsModule } from './operations/operations.module.js';
import { createServer, type ServerOptions } from './server.js';

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
  static start({ edgeUrl, forwarding, ...parts }: ApiOptions): Promise<Api> {
    return Api.#serve(apiModule(parts), parts, async (server) =>
      edgeUrl === undefined ? new Set() : forwardToEdge(server, edgeUrl, forwarding),
    );
  }

  /**
   * Serves what a process without the role `api` has to say to whoever watches it, and nothing else.
   * @throws if the port can't be listened on
   */
  static startOperations(parts: OperationsParts & ServerOptions): Promise<Api> {
    return Api.#serve(operationsModule(parts), parts, async () => new Set());
  }

  static async #serve(
    module: DynamicModule,
    options: ServerOptions,
    forward: (server: FastifyInstance) => Promise<ForwardedSockets>,
  ): Promise<Api> {
    const { config } = options;
    const adapter = await createServer(options);
    const application = await NestFactory.create<NestFastifyApplication>(module, adapter, {
      bodyParser: false,
      logger: false,
      abortOnError: false,
    });
    const forwarded = await forward(adapter.getInstance() as unknown as FastifyInstance);
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
