import { type HttpAnswer, HttpConnection } from './http-connection.js';

/** Connections that each repeat a request of their own. */
export class HttpLoad {
  private constructor(
    private readonly connections: readonly HttpConnection[],
    private readonly requests: readonly Buffer[],
    private readonly status: number,
  ) {}

  /** @param status - of every good answer */
  static async open(port: number, requests: readonly Buffer[], status: number): Promise<HttpLoad> {
    return new HttpLoad(await Promise.all(requests.map(() => HttpConnection.open(port))), requests, status);
  }

  /**
   * Sends requests for a while, each connection its next one when the last is answered.
   * @returns how many were answered, and each connection's last answer
   * @throws {Error} if one is refused
   */
  async run(ms: number): Promise<{ answered: number; last: HttpAnswer[] }> {
    const end = performance.now() + ms;
    let answered = 0;
    const last = await Promise.all(
      this.connections.map(async (connection, index) => {
        for (;;) {
          const answer = await connection.send(this.requests[index] as Buffer);
          if (answer.status !== this.status) throw new Error(`${answer.status}: ${answer.body}`);
          answered += 1;
          if (performance.now() >= end) return answer;
        }
      }),
    );
    return { answered, last };
  }

  close(): void {
    for (const connection of this.connections) connection.close();
  }
}
