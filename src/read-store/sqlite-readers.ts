import { ReadConnection } from './sqlite-reader.js';

/** Kept open for the next reads; more than that are open only while more reads than that go on at once. */
const maxIdle = 8;

/** Reading connections, each used by one transaction at a time. */
export class ReadConnections {
  readonly #idle: ReadConnection[] = [];

  constructor(private readonly path: string) {}

  async use<T>(body: (connection: ReadConnection) => Promise<T> | T): Promise<T> {
    const connection = this.take();
    try {
      return await body(connection);
    } finally {
      this.giveBack(connection);
    }
  }

  take(): ReadConnection {
    return this.#idle.pop() ?? new ReadConnection(this.path);
  }

  giveBack(connection: ReadConnection): void {
    if (this.#idle.length < maxIdle) this.#idle.push(connection);
    else connection.close();
  }

  close(): void {
    for (const connection of this.#idle.splice(0)) connection.close();
  }
}
