/** What the client needs of a WebSocket: browsers', Node's and that of `ws` have it. */
export interface WebSocketLike {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

export type WebSocketConstructor = new (url: string) => WebSocketLike;

/** The platform's WebSocket; on a Node that has none, that of `ws`. */
export async function findWebSocket(): Promise<WebSocketConstructor> {
  const { WebSocket } = globalThis as { WebSocket?: WebSocketConstructor };
  return WebSocket ?? ((await import('ws')).WebSocket as unknown as WebSocketConstructor);
}
