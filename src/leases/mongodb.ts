import type { Collection } from 'mongodb';
import { writeUnlessThere } from '../mongodb/bulk-write.js';
import type { MongoDatabase } from '../mongodb/connection.js';
import { reaching } from '../mongodb/errors.js';
import { inTime } from '../mongodb/in-time.js';
import type { LeaseRecord, LeaseStore } from './port.js';

interface LeaseDocument extends LeaseRecord {
  /** The lease's name. */
  readonly _id: string;
}

/** Leases in a database of MongoDB, for the processes of many machines. */
export class MongoLeases implements LeaseStore {
  readonly #leases: Collection<LeaseDocument>;

  constructor(private readonly database: MongoDatabase) {
    this.#leases = database.db.collection('leases');
  }

  async read(name: string): Promise<LeaseRecord | undefined> {
    const found = await this.#reach(() => this.#leases.findOne({ _id: name }, inTime()));
    return found ? recordOf(found) : undefined;
  }

  async list(prefix: string): Promise<Map<string, LeaseRecord>> {
    const found = await this.#reach(() =>
      this.#leases.find({ _id: { $gte: prefix, $lt: `${prefix}\uffff` } }, inTime()).toArray(),
    );
    return new Map(found.map((document) => [document._id, recordOf(document)]));
  }

  async compareAndSet(
    name: string,
    expected: LeaseRecord | undefined,
    next: LeaseRecord | undefined,
  ): Promise<boolean> {
    return this.#reach(async () => {
      if (!expected) return !next || (await this.#insert(name, next));
      const same = { _id: name, epoch: expected.epoch, counter: expected.counter };
      if (!next) return (await this.#leases.deleteOne(same, inTime())).deletedCount === 1;
      return (await this.#leases.replaceOne(same, { ...next }, inTime())).matchedCount === 1;
    });
  }

  async close(): Promise<void> {
    await this.database.close();
  }

  async #insert(name: string, record: LeaseRecord): Promise<boolean> {
    const there = await writeUnlessThere(this.#leases, [{ insertOne: { document: { _id: name, ...record } } }]);
    return there.length === 0;
  }

  #reach<T>(ask: () => Promise<T>): Promise<T> {
    return reaching(`The leases (${this.database.place})`, ask);
  }
}

/** Numbers may come as bigints. */
function recordOf({ holder, epoch, counter, note }: LeaseDocument): LeaseRecord {
  return { holder, epoch: Number(epoch), counter: Number(counter), note };
}
