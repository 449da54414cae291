import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { AddressGate } from '../auth/address-rules.js';
import { problemOf } from '../problems.js';
import type { Proxies } from '../proxies.js';
import { logDenial } from './denial.js';
import { sendProblem } from './problem-filter.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Where the client calls from, as far as trusted proxies tell. */
    clientAddress: string;
  }
}

/** What load balancers ask for, from wherever they are, past all proxies; nobody else gets anything out of it. */
const health = /^\/health(\/|\?|$)/;
/** What those within the network ask for who watch the process. */
const operational = /^\/(health|metrics)(\/|\?|$)/;

/**
 * Looks at how a request has come before anything else is: from where, if anybody may from there, and over TLS
 * where that is asked for.
 */
export function watchArrivals(server: FastifyInstance, proxies: Proxies, gate: AddressGate, logger: Logger): void {
  server.decorateRequest('clientAddress', '');
  server.addHook('onRequest', (request, reply, done) => {
    request.clientAddress = proxies.address(request.socket.remoteAddress ?? '', request.headers);
    if (gate.permits(request.clientAddress) || health.test(request.url)) done();
    else {
      logDenial(logger, request, 'address-refused');
      sendProblem(reply, problemOf('address-refused'));
    }
  });
  if (proxies.mustHaveTls) askForTls(server, proxies);
}

function askForTls(server: FastifyInstance, proxies: Proxies): void {
  server.addHook('onRequest', (request, reply, done) => {
    const overTls = proxies.cameOverTls(request.headers);
    if (overTls || operational.test(request.url)) return done();
    const origin = proxies.ownOrigin(request.headers);
    if (overTls === false && origin !== undefined && mayBeRedirected(request)) {
      reply.redirect(`${origin}${request.originalUrl}`, 308);
      return;
    }
    const detail = 'The proxy must say how it was asked, in X-Forwarded-Proto.';
    sendProblem(reply, problemOf('https-required', overTls === undefined ? { detail } : {}));
  });
}

/** What only reads. Anything else has sent in clear what it has to say, and had better hear of that. */
function mayBeRedirected({ method, headers }: FastifyRequest): boolean {
  return (method === 'GET' || method === 'HEAD') && headers.upgrade === undefined;
}
