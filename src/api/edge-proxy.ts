import proxy from '@fastify/http-proxy';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import type { ClientForwarding } from '../client-forwarding.js';

/** Where the edge's sockets are; browsers need one origin and one port. */
export const edgePaths = ['/api/v1/socket'] as const;

/** Bytes that may wait for a slow client before the edge is made to wait. */
const maxBacklog = 64 * 1024;
const drainPollMs = 20;
const passedOnHeaders = ['origin', 'authorization', 'user-agent', 'cookie'] as const;

/** Sockets that are forwarded at the moment. */
export type ForwardedSockets = ReadonlySet<WebSocket>;

/** Forwards the edge's paths on the API's port to the edge. */
export async function forwardToEdge(
  server: FastifyInstance,
  edgeUrl: string,
  forwarding: ClientForwarding,
): Promise<ForwardedSockets> {
  const forwarded = new Set<WebSocket>();
  /** `rewriteRequestHeaders` is missing in the proxy's types. */
  const wsClientOptions = {
    perMessageDeflate: false,
    rewriteRequestHeaders: (headers: object, request: FastifyRequest) => ({
      ...headers,
      ...passedOn(request),
      ...forwarding.headerFor(request.clientAddress),
    }),
  };
  for (const path of edgePaths) {
    await server.register(proxy, {
      upstream: edgeUrl,
      prefix: path,
      rewritePrefix: path,
      httpMethods: ['GET'],
      proxyPayloads: false,
      websocket: true,
      wsClientOptions,
      wsServerOptions: { maxPayload: 1024 * 1024, perMessageDeflate: false },
      wsHooks: {
        onConnect: (_context, client) => {
          forwarded.add(client);
          client.once('close', () => forwarded.delete(client));
        },
        onOutgoingMessage: (_context, client, edge) => holdBack(client, edge),
      },
    });
  }
  return forwarded;
}

function passedOn({ headers }: FastifyRequest) {
  return Object.fromEntries(
    passedOnHeaders.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])),
  );
}

/** Lets a slow client slow its connection to the edge, which knows what to do about it. */
function holdBack(client: WebSocket, edge: WebSocket): void {
  if (client.bufferedAmount < maxBacklog || edge.isPaused) return;
  edge.pause();
  const poll = setInterval(() => {
    if (client.readyState === client.OPEN && client.bufferedAmount > maxBacklog / 2) return;
    clearInterval(poll);
    edge.resume();
  }, drainPollMs);
}
