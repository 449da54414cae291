import { WebSocket } from 'ws';

export type Message = Record<string, unknown> & { op: string };

/** A client without any intelligence: what came, in order, and how it ended. */
export class RawSocket {
  readonly messages: Message[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  #changed: () => void = () => {};

  private constructor(readonly ws: WebSocket) {
    ws.on('message', (data) => {
      this.messages.push(JSON.parse(data.toString()));
      this.#changed();
    });
    ws.on('error', () => {});
    this.closed = new Promise((resolve) => {
      ws.on('close', (code, reason) => {
        resolve({ code, reason: reason.toString() });
        this.#changed();
      });
    });
  }

  static async open(
    port: number,
    options: { path?: string; headers?: Record<string, string>; answersPings?: boolean } = {},
  ): Promise<RawSocket> {
    const ws = new WebSocket(`ws://127.0.0.1:${port}${options.path ?? '/api/v1/socket'}`, {
      headers: options.headers ?? {},
      autoPong: options.answersPings ?? true,
    });
    const socket = new RawSocket(ws);
    await new Promise<void>((resolve, reject) => {
      ws.once('open', resolve);
      ws.once('error', reject);
      ws.once('unexpected-response', (_request, response) => reject(new Error(`answered ${response.statusCode}`)));
    });
    return socket;
  }

  /** Opened and authenticated as a person. */
  static async as(port: number, person: string): Promise<RawSocket> {
    const socket = await RawSocket.open(port);
    socket.send({ op: 'authenticate', token: person });
    await socket.next('authenticated');
    return socket;
  }

  send(message: unknown): void {
    this.ws.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** Messages of an op that have come. */
  all(op: string): Message[] {
    return this.messages.filter((message) => message.op === op);
  }

  /** Waits until something holds of what came. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.ws.readyState === WebSocket.CLOSED) throw new Error(`closed; came: ${JSON.stringify(this.messages)}`);
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  /** The n-th message of an op, when it has come. */
  async next(op: string, n = 1): Promise<Message> {
    await this.until(() => this.all(op).length >= n);
    return this.all(op)[n - 1] as Message;
  }

  /** Revisions of the frames that came; bare ones as negative, -1 for 0. */
  revisions(feed?: string): number[] {
    return this.all('event')
      .filter((frame) => feed === undefined || frame.feed === feed)
      .map((frame) => ('type' in frame ? Number(frame.revision) : -1 - Number(frame.revision)));
  }

  /** Waits for the frame of a revision. */
  async frame(revision: number): Promise<Message> {
    await this.until(() => this.all('event').some((frame) => frame.revision === revision));
    return this.all('event').find((frame) => frame.revision === revision) as Message;
  }

  close(): void {
    this.ws.terminate();
  }
}
