import type { Logger } from 'pino';
import type { Problem } from '../../problems.js';
import type { EdgeLimits } from '../limits.js';

/** WebSockets and topics, whoever implements them. Everything is synchronous; a closed socket ignores what is asked of it. */

export interface EdgeSocket {
  /** Sends texts in order, behind what was published to its topics before. */
  send(...texts: readonly string[]): void;
  join(topic: string): void;
  /** What was published before is still delivered. */
  leave(topic: string): void;
  /** Bytes taken over but not yet by the network. */
  readonly backlog: number;
  close(code: number, reason: string): void;
}

/** What the edge keeps for each socket. */
export interface SocketHandler {
  onText(text: string, bytes: number): void;
  onBinary(): void;
  /** Some of the backlog went out. */
  onDrain(): void;
  /** Once, however the socket was closed. */
  onClose(): void;
}

/** What asks for a socket. */
export interface UpgradeRequest {
  /** Of the connection. */
  readonly remoteAddress: string;
  /** By their names in lower case; one that came several times is joined by commas. */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

export interface Handshake {
  /** The `Authorization` header, empty if there was none. */
  readonly authorization: string;
  /** Where the client calls from, as far as trusted proxies tell. */
  readonly address: string;
}

/** Whether a request is answered with a socket. */
export type Admission = { readonly handshake: Handshake } | { readonly refusal: Problem };

export interface EdgeTransport {
  readonly name: 'uws' | 'ws';
  readonly port: number;
  /** Sends a text to all sockets of the topic. */
  publish(topic: string, text: string): void;
  /** Takes no new connections. */
  stopListening(): void;
  /** Cuts the connections that are still there. */
  close(): Promise<void>;
}

export interface TransportOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly limits: EdgeLimits;
  readonly logger: Logger;
  admit(request: UpgradeRequest): Admission;
  /** Takes a socket that has opened, or refuses it: closes it at once and returns nothing. */
  accept(socket: EdgeSocket, handshake: Handshake): SocketHandler | undefined;
}

/** Paths of the WebSocket; `/api/socket` is that of the current version. */
export const socketPaths: readonly string[] = ['/api/v1/socket', '/api/socket'];
export const livePath = '/health/live';
