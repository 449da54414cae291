import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import type { Config } from '../config.js';
import { urlOf } from '../origins.js';
import { type ApiParts, apiModule } from './api.module.js';
import { forwardToEdge } from './edge-proxy.js';
import { createServer } from './server.js';

export interface ApiOptions extends ApiParts {
  readonly config: Config;
  /** Where the edge listens, if its paths are to be reachable here. */
  readonly edgeUrl?: string;
}

/** Serves HTTP. */
export class Api {
  private constructor(
    private readonly application: NestFastifyApplication,
    readonly url: string,
  ) {}

  /** @throws if the port can't be listened on */
  static async start({ config, edgeUrl, ...parts }: ApiOptions): Promise<Api> {
    const adapter = await createServer(config, parts.health);
    const application = await NestFactory.create<NestFastifyApplication>(apiModule(parts), adapter, {
      bodyParser: false,
      logger: false,
      abortOnError: false,
    });
    if (edgeUrl !== undefined) await forwardToEdge(adapter.getInstance() as unknown as FastifyInstance, edgeUrl);
    await application.listen(config.port, config.host);
    return new Api(application, urlOf(config.host, portOf(application)));
  }

  /** Takes no new connections and resolves once every request is answered. */
  async close(): Promise<void> {
    await this.application.close();
  }
}

function portOf(application: NestFastifyApplication): number {
  return (application.getHttpServer().address() as AddressInfo).port;
}
