import type { AnyBulkWriteOperation, Collection, Db } from 'mongodb';
import { writeUnlessThere } from '../mongodb/bulk-write.js';
import { chunksOf } from '../mongodb/chunks.js';
import type { MongoDatabase } from '../mongodb/connection.js';
import { reaching } from '../mongodb/errors.js';
import { inTime } from '../mongodb/in-time.js';
import { type MasterKey, MasterKeys, secretName, subjectName, type WrappedKey } from './master-keys.js';
import type { KeyStore, RewrapOptions, SecretName } from './port.js';
import { type KeptKey, type KeyKind, type Rewrappable, rewrapKeys } from './rewrapping.js';

interface MasterDocument {
  /** The version. */
  readonly _id: number;
  readonly proof: Buffer;
}

/** The key of a subject, or a secret. Both are null of a subject that is forgotten. */
interface KeyDocument {
  /** The subject, or the secret's name. */
  readonly _id: string;
  readonly masterVersion: number | null;
  readonly wrapped: Buffer | null;
}

interface Collections {
  readonly masters: Collection<MasterDocument>;
  readonly subjects: Collection<KeyDocument>;
  readonly secrets: Collection<KeyDocument>;
}

/** Asked for, or made, in one command. */
const keysAtOnce = 1_000;

/**
 * Opens the key store in a database of MongoDB, or makes it. Any number of processes may have it open. What it tells of
 * has been acknowledged by a majority, which has it in its journal.
 * @throws {KeysUnusable} if the master keys are not its own
 * @throws {ServerUnavailable}
 */
export async function openMongoKeys(
  database: MongoDatabase,
  masterKeys: MasterKey | readonly MasterKey[],
): Promise<KeyStore> {
  try {
    const masters = new MasterKeys(database.place, [masterKeys].flat());
    const collections = collectionsOf(database.db);
    await reaching(nameOf(database), async () => {
      for (const kind of ['subjects', 'secrets'] as const)
        await collections[kind].createIndex({ masterVersion: 1 }, inTime());
      await proveMasters(collections, masters);
    });
    return new MongoKeys(database, collections, masters);
  } catch (error) {
    await database.close();
    throw error;
  }
}

function collectionsOf(db: Db): Collections {
  return { masters: db.collection('masters'), subjects: db.collection('subjects'), secrets: db.collection('secrets') };
}

function nameOf({ place }: MongoDatabase): string {
  return `The key store (${place})`;
}

/** Looks again at what it has added, since another process may have been faster. */
async function proveMasters(collections: Collections, masters: MasterKeys): Promise<void> {
  for (;;) {
    const kept = await collections.masters.find({}, inTime()).toArray();
    const proofs = new Map(kept.map(({ _id, proof }) => [_id, proof]));
    const added = masters.prove(proofs, await versionsInUse(collections));
    if (added.size === 0) return;
    const inserts = [...added].map(([_id, proof]) => ({ insertOne: { document: { _id, proof } } }));
    await writeUnlessThere(collections.masters, inserts);
  }
}

async function versionsInUse({ subjects, secrets }: Collections): Promise<Set<number>> {
  const versions = [
    ...(await subjects.distinct('masterVersion', {}, inTime())),
    ...(await secrets.distinct('masterVersion', {}, inTime())),
  ];
  return new Set(versions.filter((version) => version !== null));
}

class MongoKeys implements KeyStore, Rewrappable {
  constructor(
    private readonly database: MongoDatabase,
    private readonly collections: Collections,
    private readonly masters: MasterKeys,
  ) {}

  ensure(subjects: readonly string[]): Promise<void> {
    return this.#reach(async () => {
      for (const some of chunksOf([...new Set(subjects)], keysAtOnce)) await this.#ensure(some);
    });
  }

  /** Keys that another process has made in the meantime are kept; not before a majority has them, they count. */
  async #ensure(subjects: readonly string[]): Promise<void> {
    for (let missing = await this.#without(subjects); missing.length > 0; ) {
      const there = await this.#make('subjects', missing, subjectName);
      missing = await this.#without(there);
    }
  }

  /** @returns those that another process has made */
  async #make<Id extends string>(kind: KeyKind, ids: readonly Id[], name: (id: Id) => string): Promise<Id[]> {
    await this.#refuseBesideNewer();
    const made = ids.map((_id): KeyDocument => ({ _id, ...this.masters.newKey(name(_id)) }));
    const inserts = made.map((document) => ({ insertOne: { document } }));
    const there = await writeUnlessThere(this.collections[kind], inserts);
    return there.map((index) => ids[index] as Id);
  }

  /** What is made at the same moment is counted under the older master key, which the next opening asks for. */
  async #refuseBesideNewer(): Promise<void> {
    const [newest] = await this.collections.masters.find({}, inTime()).sort({ _id: -1 }).limit(1).toArray();
    const refused = this.masters.refusalBeside(newest?._id ?? 0);
    if (refused) throw refused;
  }

  async get(subjects: readonly string[]): Promise<Map<string, Buffer | null>> {
    const keys = new Map<string, Buffer | null>();
    for (const key of await this.#reach(() => this.#of(subjects))) {
      keys.set(key._id, isKept(key) ? this.masters.unwrap(subjectName(key._id), key) : null);
    }
    return keys;
  }

  destroy(subjects: readonly string[]): Promise<void> {
    return this.#reach(async () => {
      for (const some of chunksOf(subjects, keysAtOnce)) {
        const destructions = some.map((subject) => destruction(subject, true));
        const there = await writeUnlessThere(this.collections.subjects, destructions);
        if (there.length === 0) continue;
        // Made by another process in the meantime.
        const again = there.map((index) => destruction(some[index] as string, false));
        await this.collections.subjects.bulkWrite(again, { ordered: false, ...inTime() });
      }
    });
  }

  secret(name: SecretName): Promise<Buffer> {
    return this.#reach(async () => {
      for (;;) {
        const kept = await this.collections.secrets.findOne({ _id: name }, inTime());
        if (kept && isKept(kept)) return this.masters.unwrap(secretName(name), kept);
        await this.#make('secrets', [name], secretName);
      }
    });
  }

  countByMasterKey(): Promise<Map<number, number>> {
    return this.#reach(async () => {
      const counts = new Map<number, number>();
      for (const masterVersion of await versionsInUse(this.collections)) {
        const { subjects, secrets } = this.collections;
        const count =
          (await subjects.countDocuments({ masterVersion }, inTime())) +
          (await secrets.countDocuments({ masterVersion }, inTime()));
        counts.set(masterVersion, count);
      }
      return counts;
    });
  }

  rewrap(options?: RewrapOptions): Promise<number> {
    return rewrapKeys(this, this.masters, options);
  }

  async olderThan(version: number, kind: KeyKind, after: string, limit: number): Promise<KeptKey[]> {
    const older = { _id: { $gt: after }, masterVersion: { $lt: version } };
    const found = await this.#reach(() =>
      this.collections[kind].find(older, inTime()).sort({ _id: 1 }).limit(limit).toArray(),
    );
    return found.filter(isKept).map(({ _id, masterVersion, wrapped }) => ({ id: _id, masterVersion, wrapped }));
  }

  async replace(kind: KeyKind, rewrapped: readonly (KeptKey & { readonly from: number })[]): Promise<void> {
    const replacements = rewrapped.map(({ id, from, masterVersion, wrapped }) => ({
      updateOne: { filter: { _id: id, masterVersion: from }, update: { $set: { masterVersion, wrapped } } },
    }));
    await this.#reach(() => this.collections[kind].bulkWrite(replacements, { ordered: false, ...inTime() }));
  }

  close(): Promise<void> {
    return this.database.close();
  }

  async #of(subjects: readonly string[]): Promise<KeyDocument[]> {
    const found: KeyDocument[] = [];
    for (const some of chunksOf(subjects, keysAtOnce)) {
      const batch = this.collections.subjects.find({ _id: { $in: some } }, { batchSize: some.length + 1, ...inTime() });
      found.push(...(await batch.toArray()));
    }
    return found;
  }

  /** Those of whom nothing is kept: no key, and not that it was destroyed. */
  async #without(subjects: readonly string[]): Promise<string[]> {
    const existing = new Set((await this.#of(subjects)).map(({ _id }) => _id));
    return subjects.filter((subject) => !existing.has(subject));
  }

  #reach<T>(body: () => Promise<T>): Promise<T> {
    return reaching(nameOf(this.database), body);
  }
}

/** Whether it was not destroyed. */
function isKept(key: KeyDocument): key is KeyDocument & WrappedKey {
  return key.wrapped !== null;
}

function destruction(subject: string, upsert: boolean): AnyBulkWriteOperation<KeyDocument> {
  return { updateOne: { filter: { _id: subject }, update: { $set: { masterVersion: null, wrapped: null } }, upsert } };
}
