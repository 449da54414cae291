import { setTimeout as sleep } from 'node:timers/promises';
import { type HttpAnswer, HttpConnection } from './http-connection.js';

/** Sends requests at a steady rate, over several connections: one that is still waiting is not asked for more. */
export class PacedLoad {
  private constructor(private readonly connections: readonly HttpConnection[]) {}

  static async open(ports: readonly number[], count: number): Promise<PacedLoad> {
    const opening = Array.from({ length: count }, (_, n) => HttpConnection.open(ports[n % ports.length] as number));
    return new PacedLoad(await Promise.all(opening));
  }

  /**
   * @param rate - requests a second
   * @param onAnswer - told of each answer, and how long it took from when the request was due, in ms
   */
  async run(
    request: Buffer,
    rate: number,
    ms: number,
    onAnswer: (answer: HttpAnswer, took: number) => void,
  ): Promise<void> {
    const idle = [...this.connections];
    const under = new Set<Promise<void>>();
    const start = performance.now();
    for (let sent = 0; (sent * 1_000) / rate < ms; sent += 1) {
      const due = start + (sent * 1_000) / rate;
      if (due > performance.now()) await sleep(due - performance.now());
      while (idle.length === 0) await Promise.race(under);
      // The one that has waited longest: a server closes what is idle for too long.
      const connection = idle.shift() as HttpConnection;
      const answered: Promise<void> = connection.send(request).then((answer) => {
        idle.push(connection);
        under.delete(answered);
        onAnswer(answer, performance.now() - due);
      });
      under.add(answered);
    }
    await Promise.all(under);
  }

  close(): void {
    for (const connection of this.connections) connection.close();
  }
}
