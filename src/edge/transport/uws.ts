import type {
  HttpRequest,
  HttpResponse,
  TemplatedApp,
  us_listen_socket,
  us_socket_context_t,
  WebSocket,
  WebSocketBehavior,
} from 'uWebSockets.js';
import { STATUS_CODES } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
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

type UWebSockets = typeof import('uWebSockets.js');

/** uWebSockets.js copies the members of what is given at the upgrade to the socket itself, which is then its user data. */
interface Attached {
  readonly handshake: Handshake;
  socket?: UwsSocket;
}

/** Touching a uWS socket after its close throws, so it is let go of there. */
class UwsSocket implements EdgeSocket {
  handler: SocketHandler | undefined;
  #ws: WebSocket<Attached> | undefined;

  constructor(ws: WebSocket<Attached>) {
    this.#ws = ws;
  }

  send(...texts: readonly string[]): void {
    if (texts.length === 1) this.#ws?.send(texts[0] as string);
    else this.#ws?.cork(() => this.#sendEach(texts));
  }

  /** A text may close the socket, when its backlog is at the limit. */
  #sendEach(texts: readonly string[]): void {
    for (const text of texts) this.#ws?.send(text);
  }

  join(topic: string): void {
    this.#ws?.subscribe(topic);
  }

  leave(topic: string): void {
    this.#ws?.unsubscribe(topic);
  }

  get backlog(): number {
    return this.#ws?.getBufferedAmount() ?? 0;
  }

  close(code: number, reason: string): void {
    this.#ws?.end(code, reason);
  }

  closed(): void {
    this.#ws = undefined;
    this.handler?.onClose();
  }
}

class UwsTransport implements EdgeTransport {
  readonly name = 'uws';
  #listening = true;
  #open = true;

  constructor(
    private readonly uws: UWebSockets,
    private readonly app: TemplatedApp,
    private readonly listener: us_listen_socket,
    readonly port: number,
  ) {}

  publish(topic: string, text: string): void {
    this.app.publish(topic, text);
  }

  stopListening(): void {
    if (!this.#listening) return;
    this.#listening = false;
    this.uws.us_listen_socket_close(this.listener);
  }

  async close(): Promise<void> {
    this.stopListening();
    if (this.#open) this.app.close();
    this.#open = false;
  }
}

/** LIBUS_LISTEN_EXCLUSIVE_PORT: otherwise another process could listen on the same port. */
const exclusivePort = 1;

/** As uWS has it; its types lack the form with host and options. */
type Listen = (host: string, port: number, options: number, done: (listener: us_listen_socket | false) => void) => void;

/**
 * @throws if the binary does not load on this platform, or the port can't be listened on
 */
export async function listenUws(options: TransportOptions): Promise<EdgeTransport> {
  const { default: uws } = (await import('uWebSockets.js')) as unknown as { default: UWebSockets };
  const app = uws.App();
  const behavior = socketBehavior(uws, options);
  for (const path of socketPaths) app.ws(path, behavior);
  app.get(livePath, (res) => {
    res.writeHeader('Content-Type', 'application/json').end('{"status":"ok"}');
  });
  app.any('/*', (res) => {
    res.writeStatus('404 Not Found').end();
  });
  const port = await claimPort(options);
  return new Promise((resolve, reject) => {
    (app.listen as unknown as Listen)(options.host, port, exclusivePort, (listener) => {
      if (listener) resolve(new UwsTransport(uws, app, listener, port));
      else reject(new Error(`can't listen on ${options.host}:${port}`));
    });
  });
}

/**
 * Listens on the port once with Node, which says clearly why it can't be, and finds a free one for port 0. (Had uWS to
 * find it, it would not set SO_REUSEADDR, and no other process could listen there for a minute afterwards.)
 */
async function claimPort({ host, port }: TransportOptions): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const claimed = (server.address() as AddressInfo).port;
  await new Promise((resolve) => server.close(resolve));
  return claimed;
}

function socketBehavior(uws: UWebSockets, options: TransportOptions): WebSocketBehavior<Attached> {
  const { limits } = options;
  return {
    compression: uws.DISABLED,
    maxPayloadLength: limits.payloadBytes,
    maxBackpressure: limits.backlogBytes,
    // declared as a number, read as a boolean: without it, a socket over the limit silently misses messages
    closeOnBackpressureLimit: 1,
    // uWS ends the process on values out of its ranges
    idleTimeout: Math.min(960, Math.max(8, Math.ceil(limits.idleMs / 1_000))),
    maxLifetime: Math.min(240, Math.ceil(limits.lifetimeMs / 60_000) + 1),
    sendPingsAutomatically: true,
    upgrade: (res, req, context) => upgrade(options, res, req, context),
    open(ws) {
      const attached = ws.getUserData();
      const socket = new UwsSocket(ws);
      attached.socket = socket;
      socket.handler = options.accept(socket, attached.handshake);
    },
    message(ws, message, isBinary) {
      const handler = ws.getUserData().socket?.handler;
      if (isBinary) handler?.onBinary();
      else handler?.onText(Buffer.from(message).toString(), message.byteLength);
    },
    drain: (ws) => ws.getUserData().socket?.handler?.onDrain(),
    close: (ws) => ws.getUserData().socket?.closed(),
  };
}

/** Answers at once, so that the response can't be gone by then. */
function upgrade(options: TransportOptions, res: HttpResponse, req: HttpRequest, context: us_socket_context_t): void {
  const admission = options.admit(upgradeRequest(res, req));
  if ('refusal' in admission) {
    const { refusal } = admission;
    res.writeStatus(`${refusal.status} ${STATUS_CODES[refusal.status]}`);
    res.writeHeader('Content-Type', 'application/problem+json').end(JSON.stringify(refusal));
    return;
  }
  res.upgrade<Attached>(
    { handshake: admission.handshake },
    req.getHeader('sec-websocket-key'),
    req.getHeader('sec-websocket-protocol'),
    req.getHeader('sec-websocket-extensions'),
    context,
  );
}

/** `getHeader` would tell the first one alone of several headers with the same name. */
function upgradeRequest(res: HttpResponse, req: HttpRequest): UpgradeRequest {
  const headers: Record<string, string> = Object.create(null);
  req.forEach((name, value) => {
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  });
  return { remoteAddress: Buffer.from(res.getRemoteAddressAsText()).toString(), headers };
}
