import { get } from 'node:http';
import { createServer } from 'node:net';
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { defaultLimits } from '../../src/edge/limits.js';
import { listen } from '../../src/edge/transport/listen.js';
import type { EdgeSocket, EdgeTransport, TransportOptions, UpgradeRequest } from '../../src/edge/transport/port.js';
import { problemOf } from '../../src/problems.js';
import { RawSocket } from './raw-socket.js';
import { transports as runnable, uwsLoads } from './transports.js';

describe('the transport', () => {
  const transports: EdgeTransport[] = [];

  afterEach(async () => {
    for (const transport of transports.splice(0)) await transport.close();
    vi.doUnmock('uWebSockets.js');
    vi.resetModules();
  });

  function options(fields: Partial<TransportOptions> = {}): TransportOptions {
    return {
      host: '127.0.0.1',
      port: 0,
      limits: defaultLimits,
      logger: pino({ level: 'silent' }),
      admit: () => ({ handshake: { authorization: '', address: '' } }),
      accept: () => undefined,
      ...fields,
    };
  }

  it.each(runnable)('%s says that the port is in use', async (choice) => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await expect(listen(choice, options({ port }))).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await new Promise((resolve) => server.close(resolve));
  });

  it.each(runnable)('%s can be asked anything of a socket that has closed', async (choice) => {
    let socket: EdgeSocket | undefined;
    let closes = 0;
    const transport = await listen(
      choice,
      options({
        accept(opened) {
          socket = opened;
          return { onText() {}, onBinary() {}, onDrain() {}, onClose: () => closes++ };
        },
      }),
    );
    transports.push(transport);
    const client = await RawSocket.open(transport.port);
    socket?.join('topic');
    socket?.close(3000, 'bye');
    await expect(client.closed).resolves.toEqual({ code: 3000, reason: 'bye' });
    socket?.send('one');
    socket?.send('one', 'two');
    socket?.join('topic');
    socket?.leave('topic');
    socket?.close(3001, 'again');
    expect(socket?.backlog).toBe(0);
    transport.publish('topic', 'text');
    expect(closes).toBe(1);
  });

  it.each(runnable)(
    '%s tells what asks for a socket, all of a header that comes twice, and refuses as it is told',
    async (choice) => {
      const asked: UpgradeRequest[] = [];
      const refusal = problemOf('cross-site-request');
      const transport = await listen(
        choice,
        options({
          admit(request) {
            asked.push(request);
            return { refusal };
          },
        }),
      );
      transports.push(transport);
      const headers = { origin: 'https://app.example', 'X-Forwarded-For': ['192.0.2.1', '192.0.2.2'] };
      const answered = await new Promise<string>((resolve, reject) => {
        const request = get({
          host: '127.0.0.1',
          port: transport.port,
          path: '/api/v1/socket',
          headers: {
            ...headers,
            connection: 'Upgrade',
            upgrade: 'websocket',
            'sec-websocket-version': '13',
            'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
          },
        });
        request.on('response', (response) => {
          let body = '';
          response.on('data', (data) => {
            body += data;
          });
          response.on('end', () => resolve(`${response.statusCode} ${body}`));
        });
        request.on('error', reject);
      });
      expect(answered).toBe(`403 ${JSON.stringify(refusal)}`);
      expect(asked).toHaveLength(1);
      expect(asked[0]?.remoteAddress).toMatch(/127\.0\.0\.1$|7f00:0001$/);
      expect(asked[0]?.headers).toMatchObject({
        origin: 'https://app.example',
        'x-forwarded-for': '192.0.2.1, 192.0.2.2',
      });
    },
  );

  it('is ws, and says so, where uWebSockets.js does not load', async () => {
    vi.resetModules();
    vi.doMock('uWebSockets.js', () => {
      throw new Error('no binary for this platform');
    });
    const { listen: listenAnew } = await import('../../src/edge/transport/listen.js');
    const logger = pino({ level: 'silent' });
    const warn = vi.spyOn(logger, 'warn');
    const transport = await listenAnew('auto', options({ logger }));
    transports.push(transport);
    expect(transport.name).toBe('ws');
    expect(warn).toHaveBeenCalledOnce();
    expect(warn.mock.calls[0]?.[0]).toContain('the edge runs on ws');
  });

  it.runIf(uwsLoads)('is uWebSockets.js where it loads', async () => {
    const transport = await listen('auto', options());
    transports.push(transport);
    expect(transport.name).toBe('uws');
  });
});
