import type { LeaseRecord, LeaseStore } from './port.js';

/** Leases of one process. */
export class MemoryLeases implements LeaseStore {
  readonly #records = new Map<string, LeaseRecord>();

  async read(name: string): Promise<LeaseRecord | undefined> {
    return this.#records.get(name);
  }

  async list(prefix: string): Promise<Map<string, LeaseRecord>> {
    return new Map([...this.#records].filter(([name]) => name.startsWith(prefix)));
  }

  async compareAndSet(
    name: string,
    expected: LeaseRecord | undefined,
    next: LeaseRecord | undefined,
  ): Promise<boolean> {
    const kept = this.#records.get(name);
    if (kept?.epoch !== expected?.epoch || kept?.counter !== expected?.counter) return false;
    if (next) this.#records.set(name, next);
    else this.#records.delete(name);
    return true;
  }

  async close(): Promise<void> {}
}
