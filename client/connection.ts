import { isTerminal } from '../src/edge/close-codes.js';
import type { ClientMessage, ServerMessage } from '../src/edge/protocol.js';
import { Backoff } from './backoff.js';
import { ConnectionEnded } from './errors.js';
import type { WebSocketConstructor, WebSocketLike } from './web-socket.js';

export interface ConnectionOptions {
  readonly url: string;
  /** Longest wait before the next try, in ms. */
  readonly longestBackoffMs: number;
  /** Asked before each try. */
  getAccessToken(): Promise<string>;
  getWebSocket(): Promise<WebSocketConstructor>;
  /** Authenticated, for the first time or again: everything is to be asked for again. */
  onReady(): void;
  onMessage(message: ServerMessage): void;
  /** There will be no other connection. */
  onEnd(error: ConnectionEnded): void;
}

/** Silence after which the server is pinged, and after as long again given up; in ms, also for letting us in. */
const silenceMs = 20_000;

/** One lasting connection over any number of sockets: whenever one is lost, another is opened after a while. */
export class Connection {
  #state: 'idle' | 'connecting' | 'ready' | 'ended' = 'idle';
  #socket: WebSocketLike | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #watching: ReturnType<typeof setInterval> | undefined;
  #pinged = false;
  readonly #backoff: Backoff;

  constructor(private readonly options: ConnectionOptions) {
    this.#backoff = new Backoff(options.longestBackoffMs);
  }

  /** Connects, unless that was asked for before. */
  open(): void {
    if (this.#state === 'idle') void this.#connect();
  }

  /** Sends a message, if the connection is ready. */
  send(message: ClientMessage): boolean {
    if (this.#state !== 'ready') return false;
    this.#socket?.send(JSON.stringify(message));
    return true;
  }

  close(): void {
    this.#end(new ConnectionEnded(1000, 'closed by the client'));
  }

  async #connect(): Promise<void> {
    this.#state = 'connecting';
    try {
      const [token, WebSocket] = await Promise.all([this.options.getAccessToken(), this.options.getWebSocket()]);
      if (this.#state === 'connecting') this.#openSocket(new WebSocket(this.options.url), token);
    } catch {
      this.#retryLater();
    }
  }

  #openSocket(socket: WebSocketLike, token: string): void {
    this.#socket = socket;
    this.#watching = setInterval(() => this.#watch(), silenceMs);
    socket.onopen = () => socket.send(JSON.stringify({ op: 'authenticate', token } satisfies ClientMessage));
    socket.onmessage = ({ data }: { data: unknown }) => this.#receive(JSON.parse(String(data)) as ServerMessage);
    // a close follows
    socket.onerror = () => {};
    socket.onclose = ({ code, reason }: { code: number; reason: string }) => this.#lost(code, reason);
  }

  #receive(message: ServerMessage): void {
    this.#pinged = false;
    if (message.op === 'authenticated') this.#ready();
    else if (message.op !== 'pong') this.options.onMessage(message);
  }

  #ready(): void {
    this.#state = 'ready';
    this.#backoff.reset();
    this.options.onReady();
  }

  /** A connection whose other end is gone does not always say so. */
  #watch(): void {
    if (this.#pinged || this.#state === 'connecting') {
      const socket = this.#socket;
      this.#lost(1006, 'the server is silent');
      socket?.close();
    } else {
      this.#pinged = true;
      this.send({ op: 'ping' });
    }
  }

  #lost(code: number, reason: string): void {
    this.#forgetSocket();
    if (isTerminal(code)) this.#end(new ConnectionEnded(code, reason));
    else this.#retryLater();
  }

  #retryLater(): void {
    if (this.#state === 'ended') return;
    this.#state = 'connecting';
    this.#retry = setTimeout(() => void this.#connect(), this.#backoff.next());
  }

  #end(error: ConnectionEnded): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    clearTimeout(this.#retry);
    const socket = this.#socket;
    this.#forgetSocket();
    socket?.close(1000);
    this.options.onEnd(error);
  }

  /** One that was given up may still open, or bring what was long on its way: it is not listened to any more. */
  #forgetSocket(): void {
    if (this.#socket) this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket = undefined;
    this.#pinged = false;
    clearInterval(this.#watching);
  }
}
