import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';

/** The least that a server does for a POST: a route that parses the body and echoes it. */
const server = fastify();
server.post('/api/v1/channels/:channelId/messages', async ({ body }) => body);
await server.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`ready ${(server.server.address() as AddressInfo).port}\n`);
