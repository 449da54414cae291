import { scrub } from '../sqlite/scrub.js';
import type { SqliteWriter } from './sqlite-writer.js';

/** A row for each write whose traces may still be in the file: kept with the write itself, so that none is missed. */
export const unscrubbedTable = 'CREATE TABLE IF NOT EXISTS unscrubbed (write INTEGER PRIMARY KEY)';

/** So that what belongs together, and comes close together, is cleaned up after at once, ms. */
const quietMs = 500;
/** While the file is written anew nothing is folded: most of the time it must be. */
const leastRest = 10;
/** Until it is tried again, where others kept it from that, ms. */
const retryMs = 5_000;

/** Cleans a read store's file of what was erased from its documents. */
export class SqliteScrubber {
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #restUntil = 0;
  #closed = false;

  constructor(
    private readonly path: string,
    private readonly writer: SqliteWriter,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Begins where the process before may have ended without. */
  async start(): Promise<void> {
    if ((await this.#lastWrite()) !== null) this.#wake(quietMs);
  }

  /** Notes a write; to be called in its transaction. */
  async note(): Promise<void> {
    await this.writer.run('INSERT INTO unscrubbed DEFAULT VALUES', []);
    this.#wake(quietMs);
  }

  /** Leaves what is not done to the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #wake(delayMs: number): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    const rest = this.#restUntil - performance.now();
    this.#timer = setTimeout(() => void this.#run(), Math.max(delayMs, rest)).unref();
  }

  #run(): Promise<void> {
    this.#running ??= this.#scrub()
      .catch((error: unknown) => {
        this.onError(error);
        this.#wake(retryMs);
      })
      .finally(() => {
        this.#running = undefined;
      });
    return this.#running;
  }

  async #scrub(): Promise<void> {
    const last = await this.#lastWrite();
    if (last === null) return;
    await this.writer.pauseFor(async () => {
      const started = performance.now();
      await scrub(this.path);
      this.#restUntil = performance.now() + leastRest * (performance.now() - started);
    });
    await this.writer.transaction(() => this.writer.run('DELETE FROM unscrubbed WHERE write <= ?', [last]));
  }

  #lastWrite(): Promise<number | null> {
    return this.writer.transaction(
      async () => (await this.writer.row('SELECT max(write) FROM unscrubbed'))?.[0] as number | null,
    );
  }
}
