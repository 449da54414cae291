import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import type { Problem } from '../../problems.js';
import {
  type EdgeSocket,
  type EdgeTransport,
  type Handshake,
  livePath,
  type SocketHandler,
  socketPaths,
  type TransportOptions,
  type UpgradeRequest,
} from './port.js';

type Topics = Map<string, Set<WsSocket>>;

class WsSocket implements EdgeSocket {
  handler: SocketHandler | undefined;
  /** Whether something was heard of the client since the last ping. */
  alive = true;
  readonly openedAt = performance.now();
  readonly #joined = new Set<string>();
  /** Whether there was a backlog since it was last empty. */
  #pressed = false;
  /** The socket's own 'drain' comes only after more than its high-water mark. */
  readonly #written = () => {
    if (!this.#pressed) return;
    this.#pressed = this.backlog > 0;
    this.handler?.onDrain();
  };

  constructor(
    private readonly ws: WebSocket,
    private readonly topics: Topics,
    private readonly backlogBytes: number,
  ) {}

  send(...texts: readonly string[]): void {
    for (const text of texts) this.sendEncoded(text);
  }

  /** A buffer holds UTF-8, encoded once for many sockets. */
  sendEncoded(text: string | Buffer): void {
    if (this.ws.readyState !== WebSocket.OPEN) return;
    this.ws.send(text, { binary: false }, this.#written);
    this.#pressed ||= this.backlog > 0;
    if (this.backlog > this.backlogBytes) this.ws.terminate();
  }

  join(topic: string): void {
    if (this.ws.readyState !== WebSocket.OPEN) return;
    const sockets = this.topics.get(topic) ?? new Set();
    this.topics.set(topic, sockets.add(this));
    this.#joined.add(topic);
  }

  leave(topic: string): void {
    if (!this.#joined.delete(topic)) return;
    const sockets = this.topics.get(topic);
    sockets?.delete(this);
    if (sockets?.size === 0) this.topics.delete(topic);
  }

  get backlog(): number {
    return this.ws.bufferedAmount;
  }

  close(code: number, reason: string): void {
    this.ws.close(code, reason);
    this.closed();
  }

  /** Pings a client that was heard of; cuts off one that was not. */
  probe(): void {
    if (this.alive) this.ws.ping();
    else this.ws.terminate();
    this.alive = false;
  }

  terminate(): void {
    this.ws.terminate();
  }

  closed(): void {
    for (const topic of this.#joined) this.leave(topic);
    const { handler } = this;
    this.handler = undefined;
    handler?.onClose();
  }
}

class WsTransport implements EdgeTransport {
  readonly name = 'ws';
  readonly topics: Topics = new Map();
  readonly sockets = new Set<WsSocket>();
  readonly #probing: NodeJS.Timeout;

  constructor(
    private readonly server: Server,
    private readonly options: TransportOptions,
  ) {
    this.#probing = setInterval(() => this.#probe(), options.limits.idleMs / 2);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  publish(topic: string, text: string): void {
    const sockets = this.topics.get(topic);
    if (!sockets) return;
    const encoded = Buffer.from(text);
    for (const socket of sockets) socket.sendEncoded(encoded);
  }

  stopListening(): void {
    this.server.close();
  }

  async close(): Promise<void> {
    clearInterval(this.#probing);
    this.stopListening();
    for (const socket of this.sockets) socket.terminate();
    this.server.closeAllConnections();
  }

  #probe(): void {
    const oldest = performance.now() - this.options.limits.lifetimeMs - 60_000;
    for (const socket of this.sockets) {
      if (socket.openedAt < oldest) socket.terminate();
      else socket.probe();
    }
  }

  /** Makes a WebSocket that was just opened a socket of the edge. */
  adopt(ws: WebSocket, handshake: Handshake): void {
    const socket = new WsSocket(ws, this.topics, this.options.limits.backlogBytes);
    this.sockets.add(socket);
    ws.on('message', (data: Buffer, isBinary: boolean) => {
      socket.alive = true;
      if (isBinary) socket.handler?.onBinary();
      else socket.handler?.onText(data.toString(), data.length);
    });
    ws.on('pong', () => {
      socket.alive = true;
    });
    // a 'close' follows
    ws.on('error', () => {});
    ws.on('close', () => {
      this.sockets.delete(socket);
      socket.closed();
    });
    const handler = this.options.accept(socket, handshake);
    if (ws.readyState === WebSocket.OPEN) socket.handler = handler;
  }
}

/**
 * @throws if the port can't be listened on
 */
export async function listenWs(options: TransportOptions): Promise<EdgeTransport> {
  const server = createServer(answer);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const transport = new WsTransport(server, options);
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: options.limits.payloadBytes,
    perMessageDeflate: false,
  });
  server.on('upgrade', (request, connection, head) => {
    const [path = ''] = (request.url ?? '').split('?');
    if (!socketPaths.includes(path)) return refuseUpgrade(connection, 404);
    const admission = options.admit(upgradeRequest(request));
    if ('refusal' in admission) return refuseUpgrade(connection, admission.refusal.status, admission.refusal);
    sockets.handleUpgrade(request, connection, head, (ws) => transport.adopt(ws, admission.handshake));
  });
  return transport;
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  if (request.method === 'GET' && request.url === livePath) {
    response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"status":"ok"}');
  } else response.writeHead(404).end();
}

function upgradeRequest({ socket, headers }: IncomingMessage): UpgradeRequest {
  const joined = Object.entries(headers).map(([name, value]) => [name, value?.toString()]);
  return { remoteAddress: socket.remoteAddress ?? '', headers: Object.fromEntries(joined) };
}

function refuseUpgrade(connection: Duplex, status: number, problem?: Problem): void {
  connection.on('error', () => {});
  const body = problem ? JSON.stringify(problem) : '';
  const type = problem ? 'Content-Type: application/problem+json\r\n' : '';
  const length = `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  connection.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n${type}${length}\r\n${body}`);
}
