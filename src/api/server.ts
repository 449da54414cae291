import { isUtf8 } from 'node:buffer';
import type { Socket } from 'node:net';
import cors from '@fastify/cors';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { type FastifyInstance, fastify } from 'fastify';
import type { Logger } from 'pino';
import type { AddressGate } from '../auth/address-rules.js';
import type { Config } from '../config.js';
import type { Health } from '../health.js';
import { mayCall } from '../origins.js';
import { problemOf, Refused } from '../problems.js';
import type { Proxies } from '../proxies.js';
import { rateLimitHeaderNames } from '../rate-limits.js';
import { watchArrivals } from './arrival.js';
import { sendProblem } from './problem-filter.js';
import { securityHeaders } from './security-headers.js';

/** Bytes of a request's body. */
const bodyLimit = 256 * 1024;
/** Of what people fill in about themselves: a field that is too long is named to them, which a body can't be. */
const formLimit = 2 * 1024 * 1024;
const forms = /^\/api\/v1\/(auth|users)(\/|$)/;
const requestTimeoutMs = 30_000;

export interface ServerOptions {
  readonly config: Config;
  readonly health: Health;
  readonly proxies: Proxies;
  readonly addressRules: AddressGate;
  readonly logger: Logger;
}

/** Fastify as Parley wants it: JSON only, nothing polluted, bounded, every refusal a problem. */
export async function createServer(options: ServerOptions): Promise<FastifyAdapter> {
  const { config, health, proxies, addressRules, logger } = options;
  const server = fastify({
    bodyLimit,
    requestTimeout: requestTimeoutMs,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    rewriteUrl: ({ url = '/' }) => currentVersion(url),
    clientErrorHandler: refuseConnection,
    frameworkErrors: (_error, _request, reply) => sendProblem(reply, problemOf('bad-request')),
  });
  server.addHook('onRoute', (route) => {
    if (forms.test(route.url)) route.bodyLimit = formLimit;
  });
  parseJsonOnly(server);
  sendSecurityHeaders(server, proxies.mustHaveTls);
  watchArrivals(server, proxies, addressRules, logger);
  turnAwayWhileDraining(server, health);
  await server.register(cors, {
    origin: (origin, allow) => allow(null, origin !== undefined && mayCall(config, origin)),
    credentials: true,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: ['ETag', 'Parley-Position', 'Parley-Stale', 'Retry-After', ...rateLimitHeaderNames],
    maxAge: 600,
  });
  return new FastifyAdapter(server);
}

/** `/api/…` is the current version of the API. */
function currentVersion(url: string): string {
  return url.startsWith('/api/') && !url.startsWith('/api/v1/') ? `/api/v1${url.slice(4)}` : url;
}

function parseJsonOnly(server: FastifyInstance): void {
  const parseJson = server.getDefaultJsonParser('error', 'error');
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (body.length === 0) return done(null, undefined);
    if (!isUtf8(body)) return done(new Refused('malformed-json'));
    parseJson(request, body.toString(), (error, value) => {
      if (error) done(new Refused('malformed-json'));
      else done(null, value);
    });
  });
}

function sendSecurityHeaders(server: FastifyInstance, overTls: boolean): void {
  const headers = securityHeaders(overTls);
  server.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers);
    done();
  });
}

function turnAwayWhileDraining(server: FastifyInstance, health: Health): void {
  server.addHook('onRequest', (request, reply, done) => {
    if (!health.draining) return done();
    reply.header('connection', 'close');
    if (request.url.startsWith('/health')) return done();
    sendProblem(reply, problemOf('shutting-down'));
  });
}

/** Answers what is not HTTP enough to become a request. */
function refuseConnection(_error: Error, socket: Socket): void {
  if (!socket.writable) return void socket.destroy();
  const problem = problemOf('bad-request');
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
