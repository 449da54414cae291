import { once } from 'node:events';
import { WebSocket } from 'ws';
import { authorizationOf } from '../servers/parley.js';

/** Opens a WebSocket that costs its client little. */
export async function openWebSocket(url: string, headers: Record<string, string> = {}): Promise<WebSocket> {
  const socket = new WebSocket(url, { headers, perMessageDeflate: false, skipUTF8Validation: true });
  await once(socket, 'open');
  return socket;
}

/** Opens a socket of Parley's edge and waits until it knows the person. */
export async function openEdgeSocket(edgePort: number, personId: string): Promise<WebSocket> {
  const headers = { authorization: await authorizationOf(personId) };
  const socket = new WebSocket(`ws://127.0.0.1:${edgePort}/api/v1/socket`, {
    headers,
    perMessageDeflate: false,
    skipUTF8Validation: true,
  });
  // The edge may say so in the same packet that opens the socket.
  const [data] = (await once(socket, 'message')) as [Buffer];
  const { op } = JSON.parse(data.toString()) as { op: string };
  if (op !== 'authenticated') throw new Error(`the edge answers ${data}`);
  return socket;
}

/** Sends a text and waits for the next message. */
export async function ask(socket: WebSocket, text: string): Promise<string> {
  const answer = once(socket, 'message') as Promise<[Buffer]>;
  socket.send(text);
  return (await answer)[0].toString();
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
