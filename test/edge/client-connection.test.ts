import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Connection } from '../../client/connection.js';
import type { WebSocketConstructor, WebSocketLike } from '../../client/web-socket.js';

/** A connection of the client whose other end says only what a test has it say. */

const silenceMs = 20_000;

class Socket implements WebSocketLike {
  onopen: WebSocketLike['onopen'] = null;
  onmessage: WebSocketLike['onmessage'] = null;
  onclose: WebSocketLike['onclose'] = null;
  onerror: WebSocketLike['onerror'] = null;
  readonly sent: { op: string }[] = [];
  closed = false;

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.closed = true;
  }

  open(): void {
    this.onopen?.({} as never);
  }

  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) } as never);
  }
}

describe('a connection of the client', () => {
  let sockets: Socket[];
  let readies: number;
  let connection: Connection;

  beforeEach(async () => {
    vi.useFakeTimers();
    sockets = [];
    readies = 0;
    connection = new Connection({
      url: 'ws://parley.example/api/v1/socket',
      longestBackoffMs: 100,
      getAccessToken: async () => 'token',
      getWebSocket: async () =>
        class extends Socket {
          constructor() {
            super();
            sockets.push(this);
          }
        } as WebSocketConstructor,
      onReady: () => {
        readies += 1;
      },
      onMessage: () => {},
      onEnd: () => {},
    });
    connection.open();
    await vi.advanceTimersByTimeAsync(0);
  });

  afterEach(() => {
    connection.close();
    vi.useRealTimers();
  });

  const first = () => sockets[0] as Socket;
  const authenticated = { op: 'authenticated', personId: 'ann', expiresAt: '' };

  it('asks a silent server whether it is there, and leaves one that does not answer', async () => {
    first().open();
    first().say(authenticated);
    await vi.advanceTimersByTimeAsync(silenceMs);
    expect(first().sent.at(-1)).toEqual({ op: 'ping' });
    first().say({ op: 'pong' });
    await vi.advanceTimersByTimeAsync(2 * silenceMs - 1_000);
    expect([sockets.length, first().closed]).toEqual([1, false]);
    await vi.advanceTimersByTimeAsync(silenceMs);
    expect([sockets.length, first().closed]).toEqual([2, true]);
  });

  it('leaves a server that takes the connection and says nothing', async () => {
    await vi.advanceTimersByTimeAsync(silenceMs + 200);
    expect([sockets.length, first().closed]).toEqual([2, true]);
  });

  it('leaves a server that does not answer its authentication', async () => {
    first().open();
    await vi.advanceTimersByTimeAsync(silenceMs + 200);
    expect([sockets.length, first().closed]).toEqual([2, true]);
  });

  it('hears nothing any longer of a socket that it has left', async () => {
    await vi.advanceTimersByTimeAsync(silenceMs + 200);
    first().open();
    first().say(authenticated);
    expect([readies, first().sent]).toEqual([0, []]);
  });
});
