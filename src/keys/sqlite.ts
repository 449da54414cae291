import { OutcomeUnknown } from '../outcome-unknown.js';
import type { SqliteRow, Statement, Writer, WriterStatement } from '../sqlite/connection.js';
import { inTransaction, openSqlite, type SqliteDatabase, type SqliteFormat } from '../sqlite/database.js';
import { GroupCommit } from '../sqlite/group-commit.js';
import { scrub } from '../sqlite/scrub.js';
import { type MasterKey, MasterKeys, secretName, subjectName } from './master-keys.js';
import type { KeyStore, KeysUnusable, RewrapOptions, SecretName } from './port.js';
import { type KeptKey, type KeyKind, type Rewrappable, rewrapKeys } from './rewrapping.js';

/** A subject whose `wrapped` is NULL is forgotten. */
const keysFormat: SqliteFormat = {
  content: 'key store',
  applicationId: 0x5061_724b,
  version: 1,
  secureDelete: true,
  schema: `
    CREATE TABLE masters (version INTEGER PRIMARY KEY, proof BLOB NOT NULL) STRICT;
    CREATE TABLE subjects (
      subject TEXT PRIMARY KEY,
      master_version INTEGER REFERENCES masters,
      wrapped BLOB,
      CHECK ((master_version IS NULL) = (wrapped IS NULL))
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE secrets (
      name TEXT PRIMARY KEY,
      master_version INTEGER NOT NULL REFERENCES masters,
      wrapped BLOB NOT NULL
    ) STRICT, WITHOUT ROWID`,
  probe: 'SELECT * FROM subjects LIMIT 1',
};

/** Subjects whose keys are destroyed, but of whose keys the file may still hold traces. */
const unscrubbed = 'CREATE TABLE IF NOT EXISTS unscrubbed (subject TEXT PRIMARY KEY) STRICT, WITHOUT ROWID';

export interface SqliteKeysOptions {
  /** Called once when the disk has failed: every further call throws, and the process had better end. */
  readonly onFatal?: (error: Error) => void;
}

/** Keys made in one piece of work on the event loop, about 10 µs each. */
const keysAtOnce = 250;

const idColumns: Readonly<Record<KeyKind, string>> = { subjects: 'subject', secrets: 'name' };
/** Of every key, the version of the master key that it is under. */
const everyVersion =
  'SELECT master_version FROM subjects WHERE wrapped IS NOT NULL UNION ALL SELECT master_version FROM secrets';

/**
 * Opens the key store in this file, or makes it. Several processes of one host may have it open.
 * @throws {StoreUnusable} if the file is damaged, not ours or can't be written
 * @throws {KeysUnusable} if the master keys are not its own
 */
export async function openSqliteKeys(
  path: string,
  masterKeys: MasterKey | readonly MasterKey[],
  options: SqliteKeysOptions = {},
): Promise<KeyStore> {
  const masters = new MasterKeys(path, [masterKeys].flat());
  const database = await openSqlite(path, keysFormat);
  try {
    await inTransaction(database.writer, async (writer) => {
      await writer.exec(unscrubbed);
      await proveMasters(writer, masters);
    });
    return await SqliteKeys.open(path, database, masters, options);
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function proveMasters(writer: Writer, masters: MasterKeys): Promise<void> {
  // The writing connection reads single rows.
  const kept = await writer.prepare('SELECT json_group_array(json_array(version, hex(proof))) FROM masters');
  const proofs = JSON.parse(kept.get([])?.[0] as string) as [number, string][];
  const versions = await writer.prepare(`SELECT json_group_array(DISTINCT master_version) FROM (${everyVersion})`);
  const inUse = JSON.parse(versions.get([])?.[0] as string) as number[];
  const insert = await writer.prepare('INSERT INTO masters (version, proof) VALUES (?, ?)');
  const known = new Map(proofs.map(([version, hex]) => [version, Buffer.from(hex, 'hex')]));
  for (const added of masters.prove(known, inUse)) insert.run(added);
}

interface Statements {
  readonly insertSubject: WriterStatement;
  /** Of subjects in JSON, as the two below. */
  readonly noteUnscrubbed: WriterStatement;
  readonly destroySubjects: WriterStatement;
  readonly deleteUnscrubbed: WriterStatement;
  readonly insertSecret: WriterStatement;
  readonly newestMaster: WriterStatement;
  readonly replace: Readonly<Record<KeyKind, WriterStatement>>;
}

class SqliteKeys implements KeyStore, Rewrappable {
  private readonly subjects: Statement;
  private readonly unscrubbed: Statement;
  private readonly secretStatement: Statement;
  private readonly counts: Statement;
  private readonly older: Readonly<Record<KeyKind, Statement>>;
  private readonly commits: GroupCommit;

  private constructor(
    private readonly path: string,
    private readonly database: SqliteDatabase,
    private readonly masters: MasterKeys,
    private readonly statements: Statements,
    { onFatal }: SqliteKeysOptions,
  ) {
    this.subjects = database.reader.prepare(
      'SELECT subject, master_version, wrapped FROM subjects WHERE subject IN (SELECT value FROM json_each(?))',
    );
    this.unscrubbed = database.reader.prepare('SELECT json_group_array(subject) FROM unscrubbed HAVING count(*) > 0');
    this.secretStatement = database.reader.prepare('SELECT master_version, wrapped FROM secrets WHERE name = ?');
    this.counts = database.reader.prepare(`SELECT master_version, count(*) FROM (${everyVersion}) GROUP BY 1`);
    this.older = {
      subjects: database.reader.prepare(pageOfOlder('subjects')),
      secrets: database.reader.prepare(pageOfOlder('secrets')),
    };
    this.commits = new GroupCommit(database.writer, {
      unknownOutcome: (reason, cause) => new OutcomeUnknown(`The key store ${path} failed: ${reason}.`, { cause }),
      ...(onFatal && { onFatal }),
    });
  }

  static async open(
    path: string,
    database: SqliteDatabase,
    masters: MasterKeys,
    options: SqliteKeysOptions,
  ): Promise<SqliteKeys> {
    const prepare = (sql: string) => database.writer.prepare(sql);
    const statements = {
      insertSubject: await prepare(
        'INSERT OR IGNORE INTO subjects (subject, master_version, wrapped) VALUES (?, ?, ?)',
      ),
      noteUnscrubbed: await prepare(
        `INSERT OR IGNORE INTO unscrubbed
         SELECT subject FROM subjects WHERE subject IN (SELECT value FROM json_each(?)) AND wrapped IS NOT NULL`,
      ),
      destroySubjects: await prepare(
        `INSERT INTO subjects (subject) SELECT value FROM json_each(?) WHERE true
         ON CONFLICT DO UPDATE SET master_version = NULL, wrapped = NULL WHERE wrapped IS NOT NULL`,
      ),
      deleteUnscrubbed: await prepare('DELETE FROM unscrubbed WHERE subject IN (SELECT value FROM json_each(?))'),
      insertSecret: await prepare('INSERT OR IGNORE INTO secrets (name, master_version, wrapped) VALUES (?, ?, ?)'),
      newestMaster: await prepare('SELECT max(version) FROM masters'),
      replace: {
        subjects: await prepare(replacement('subjects')),
        secrets: await prepare(replacement('secrets')),
      },
    };
    return new SqliteKeys(path, database, masters, statements, options);
  }

  async ensure(subjects: readonly string[]): Promise<void> {
    const existing = new Set(this.rows(subjects).map(([subject]) => subject));
    const missing = [...new Set(subjects)].filter((subject) => !existing.has(subject));
    const made: Promise<void>[] = [];
    for (let start = 0; start < missing.length; start += keysAtOnce) {
      made.push(this.make(missing.slice(start, start + keysAtOnce)));
    }
    await Promise.all(made);
  }

  /** One that another process has made in the meantime is kept. */
  private make(subjects: readonly string[]): Promise<void> {
    return this.commits.run(subjects.length, () => {
      const refused = this.refusal();
      if (refused) return { refused };
      for (const subject of subjects) {
        const { masterVersion, wrapped } = this.masters.newKey(subjectName(subject));
        this.statements.insertSubject.run([subject, masterVersion, wrapped]);
      }
      return { result: undefined };
    });
  }

  async get(subjects: readonly string[]): Promise<Map<string, Buffer | null>> {
    const keys = new Map<string, Buffer | null>();
    for (const [subject, masterVersion, wrapped] of this.rows(subjects)) {
      const master = masterVersion as number;
      keys.set(subject, wrapped && this.masters.unwrap(subjectName(subject), { masterVersion: master, wrapped }));
    }
    return keys;
  }

  async destroy(subjects: readonly string[]): Promise<void> {
    const json = JSON.stringify(subjects);
    await this.commits.run(subjects.length, () => {
      this.statements.noteUnscrubbed.run([json]);
      this.statements.destroySubjects.run([json]);
      return { result: undefined };
    });
    await this.scrub();
  }

  /** Also what was destroyed before the process ended without having come here. */
  private async scrub(): Promise<void> {
    const destroyed = this.unscrubbed.get([])?.[0] as string | undefined;
    if (destroyed === undefined) return;
    await scrub(this.path);
    await this.commits.run(1, () => {
      this.statements.deleteUnscrubbed.run([destroyed]);
      return { result: undefined };
    });
  }

  async secret(name: SecretName): Promise<Buffer> {
    const kept = this.readSecret(name);
    if (kept) return kept;
    await this.commits.run(1, () => {
      const refused = this.refusal();
      if (refused) return { refused };
      const { masterVersion, wrapped } = this.masters.newKey(secretName(name));
      this.statements.insertSecret.run([name, masterVersion, wrapped]);
      return { result: undefined };
    });
    return this.readSecret(name) as Buffer;
  }

  async countByMasterKey(): Promise<Map<number, number>> {
    return new Map(this.commits.read(() => this.counts.all([])) as [number, number][]);
  }

  /** Also nothing of what was under the older master keys is left in the file. */
  async rewrap(options?: RewrapOptions): Promise<number> {
    const rewrapped = await rewrapKeys(this, this.masters, options);
    await scrub(this.path);
    return rewrapped;
  }

  async olderThan(version: number, kind: KeyKind, after: string, limit: number): Promise<KeptKey[]> {
    const rows = this.commits.read(() => this.older[kind].all([after, version, limit])) as [string, number, Buffer][];
    return rows.map(([id, masterVersion, wrapped]) => ({ id, masterVersion, wrapped }));
  }

  replace(kind: KeyKind, rewrapped: readonly (KeptKey & { readonly from: number })[]): Promise<void> {
    return this.commits.run(rewrapped.length, () => {
      for (const { id, from, masterVersion, wrapped } of rewrapped) {
        this.statements.replace[kind].run([masterVersion, wrapped, id, from]);
      }
      return { result: undefined };
    });
  }

  async close(): Promise<void> {
    await this.commits.close(new Error('the key store is closed'));
    await this.database.close();
  }

  /** Why no key may be made. */
  private refusal(): KeysUnusable | undefined {
    const newest = this.statements.newestMaster.get([])?.[0] as number;
    return this.masters.refusalBeside(newest);
  }

  private rows(subjects: readonly string[]): [string, number | null, Buffer | null][] {
    const rows = this.commits.read(() => this.subjects.all([JSON.stringify(subjects)]));
    return rows as SqliteRow[] as [string, number | null, Buffer | null][];
  }

  private readSecret(name: SecretName): Buffer | undefined {
    const row = this.commits.read(() => this.secretStatement.get([name])) as [number, Buffer] | undefined;
    return row && this.masters.unwrap(secretName(name), { masterVersion: row[0], wrapped: row[1] });
  }
}

function pageOfOlder(kind: KeyKind): string {
  const id = idColumns[kind];
  return `SELECT ${id}, master_version, wrapped FROM ${kind}
          WHERE ${id} > ? AND master_version < ? ORDER BY ${id} LIMIT ?`;
}

function replacement(kind: KeyKind): string {
  return `UPDATE ${kind} SET master_version = ?, wrapped = ? WHERE ${idColumns[kind]} = ? AND master_version = ?`;
}
