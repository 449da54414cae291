import { setTimeout as sleep } from 'node:timers/promises';
import type { WebSocket } from 'ws';

const patienceMs = 30_000;

/** Sockets that are sent the same frames, and how many of them have come. */
export class Audience {
  received = 0;
  /** The latest frame. */
  frame = '';

  /** @param isFrame - whether a message is a frame that was published */
  constructor(
    readonly sockets: readonly WebSocket[],
    isFrame: (data: Buffer) => boolean,
  ) {
    for (const [index, socket] of sockets.entries()) {
      socket.on('message', (data: Buffer) => {
        if (!isFrame(data)) return;
        this.received += 1;
        if (index === 0) this.frame = data.toString();
      });
    }
  }

  /** @throws {Error} if they do not come in time */
  async waitFor(received: number): Promise<void> {
    const end = performance.now() + patienceMs;
    while (this.received < received) {
      if (performance.now() > end) throw new Error(`of ${received} frames only ${this.received} have come`);
      await sleep(5);
    }
  }
}

export function beginsWith(beginning: string): (data: Buffer) => boolean {
  const bytes = Buffer.from(beginning);
  return (data) => data.subarray(0, bytes.length).equals(bytes);
}
