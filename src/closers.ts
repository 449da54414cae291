/** What was opened, to be closed in the opposite order. */
export class Closers {
  readonly #closers: (() => Promise<void>)[] = [];

  add<T extends { close(): Promise<void> }>(resource: T): T {
    this.#closers.push(() => resource.close());
    return resource;
  }

  /** For what ends in another way. */
  defer(close: () => Promise<void>): void {
    this.#closers.push(close);
  }

  /** Closes everything, whatever fails on the way. @throws the first failure */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (let close = this.#closers.pop(); close; close = this.#closers.pop()) {
      await close().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }
}
