import { once } from 'node:events';
import { WebSocket } from 'ws';
import { authorizationOf } from '../servers/parley.js';

/** Opens a WebSocket that costs its client little. */
export async function openWebSocket(url: string): Promise<WebSocket> {
  const socket = makeWebSocket(url);
  await once(socket, 'open');
  return socket;
}

/** Opens a socket of Parley's edge and waits until it knows the person. */
export async function openEdgeSocket(edgePort: number, personId: string): Promise<WebSocket> {
  const socket = makeWebSocket(`ws://127.0.0.1:${edgePort}/api/v1/socket`, {
    authorization: await authorizationOf(personId),
  });
  await untilMessage(socket, '{"op":"authenticated"');
  return socket;
}

function makeWebSocket(url: string, headers: Record<string, string> = {}): WebSocket {
  return new WebSocket(url, { headers, perMessageDeflate: false, skipUTF8Validation: true });
}

/**
 * Resolves once a message comes that begins so.
 * @throws {Error} if the socket is closed before
 */
export function untilMessage(socket: WebSocket, beginning: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const listen = (data: Buffer) => {
      if (!data.toString().startsWith(beginning)) return;
      socket.off('message', listen);
      resolve();
    };
    socket.on('message', listen);
    socket.once('error', reject);
    socket.once('close', (code: number, reason: Buffer) => reject(new Error(`closed by ${code}: ${reason}`)));
  });
}

export async function closeAll(sockets: readonly WebSocket[]): Promise<void> {
  await Promise.all(
    sockets.map(async (socket) => {
      if (socket.readyState === WebSocket.CLOSED) return;
      const closed = once(socket, 'close');
      socket.terminate();
      await closed;
    }),
  );
}
