import { describe, expect, test } from 'vitest';
import type { Writer } from '../../src/sqlite/connection.js';
import { GroupCommit } from '../../src/sqlite/group-commit.js';

/** What a group of writes is told when the disk fails under it. */

class UnknownOutcome extends Error {}

function sqliteError(code: string): Error {
  return Object.assign(new Error('as SQLite says it'), { code });
}

/** A writer that records what it is told, and fails where it is told to. */
function scriptedWriter(failures: Record<string, Error>): Writer & { readonly statements: string[] } {
  const statements: string[] = [];
  return {
    statements,
    begin() {
      return this.exec('BEGIN IMMEDIATE');
    },
    async exec(sql) {
      statements.push(sql);
      await new Promise(setImmediate);
      const failure = failures[sql];
      if (failure) throw failure;
    },
    prepare: () => Promise.reject(new Error('nothing to prepare')),
    close() {},
  };
}

function groupCommit(failures: Record<string, Error> = {}) {
  const writer = scriptedWriter(failures);
  const fatal: Error[] = [];
  const commits = new GroupCommit(writer, {
    unknownOutcome: (reason) => new UnknownOutcome(reason),
    onFatal: (error) => fatal.push(error),
  });
  return { writer, fatal, commits };
}

const writes = (result: string) => () => ({ result });

describe('a group', () => {
  test('shares one commit, and what comes meanwhile shares the next', async () => {
    const { writer, commits } = groupCommit();
    const order: string[] = [];
    const run = (name: string) =>
      commits.run(1, () => {
        order.push(name);
        return { result: name };
      });
    const first = [run('a'), run('b')];
    const later = Promise.all(first).then(() => Promise.all([run('c'), run('d')]));
    expect([...(await Promise.all(first)), ...(await later)]).toEqual(['a', 'b', 'c', 'd']);
    expect(order).toEqual(['a', 'b', 'c', 'd']);
    expect(writer.statements).toEqual(['BEGIN IMMEDIATE', 'COMMIT', 'BEGIN IMMEDIATE', 'COMMIT']);
  });

  test('tells a refusal to its caller alone, after the commit', async () => {
    const { writer, commits } = groupCommit();
    const refusal = new Error('refused');
    const refused = commits.run<string>(1, () => ({ refused: refusal }));
    const toldAfter = refused.catch(() => [...writer.statements]);
    expect(await commits.run(1, writes('b'))).toBe('b');
    await expect(refused).rejects.toBe(refusal);
    expect(await toldAfter).toEqual(['BEGIN IMMEDIATE', 'COMMIT']);
  });

  test('is limited in rows, and one that is too large alone still goes', async () => {
    const { writer, commits } = groupCommit();
    await Promise.all([commits.run(5_000, writes('a')), commits.run(600, writes('b')), commits.run(600, writes('c'))]);
    expect(writer.statements.filter((sql) => sql === 'COMMIT')).toHaveLength(3);
  });
});

describe('the write-ahead log', () => {
  const checkpoint = 'PRAGMA wal_checkpoint(PASSIVE)';

  test('is taken up now and then, after those are told who were waiting', async () => {
    const { writer, commits } = groupCommit();
    const told: string[][] = [];
    for (let run = 0; run < 2; run += 1) {
      await commits.run(4_000, writes('a'));
      told.push([...writer.statements]);
    }
    expect(told[0]).toEqual(['BEGIN IMMEDIATE', 'COMMIT']);
    expect(told[1]).toEqual(['BEGIN IMMEDIATE', 'COMMIT', checkpoint, 'BEGIN IMMEDIATE', 'COMMIT']);
  });

  test('that can not be synced into the file ends all: nothing is known of the disk any more', async () => {
    const { fatal, commits } = groupCommit({ [checkpoint]: sqliteError('SQLITE_IOERR_FSYNC') });
    expect(await commits.run(4_000, writes('a'))).toBe('a');
    await expect(commits.run(1, writes('b'))).rejects.toThrow(UnknownOutcome);
    expect(fatal).toEqual([expect.any(UnknownOutcome)]);
  });

  test('that another process is taking up is left to it', async () => {
    const { fatal, commits } = groupCommit({ [checkpoint]: sqliteError('SQLITE_BUSY') });
    await commits.run(4_000, writes('a'));
    expect(await commits.run(1, writes('b'))).toBe('b');
    expect(fatal).toEqual([]);
  });
});

describe('a read', () => {
  const failing = (code: string) => () => {
    throw sqliteError(code);
  };

  test('that fails ends all, and is told as what waits to be written is', async () => {
    const { fatal, commits } = groupCommit();
    const waiting = commits.run(1, writes('a'));
    expect(() => commits.read(failing('SQLITE_CORRUPT'))).toThrow('restore it from a backup');
    await expect(waiting).rejects.toThrow(UnknownOutcome);
    await expect(commits.run(1, writes('b'))).rejects.toThrow(UnknownOutcome);
    expect(() => commits.read(() => 'rows')).toThrow(UnknownOutcome);
    expect(fatal).toHaveLength(1);
  });

  test('that meets a lock can be tried again', async () => {
    const { fatal, commits } = groupCommit();
    expect(() => commits.read(failing('SQLITE_BUSY'))).toThrow('as SQLite says it');
    expect(commits.read(() => 'rows')).toBe('rows');
    expect(fatal).toEqual([]);
  });
});

describe('when the disk fails', () => {
  test.each([
    ['at the commit', { COMMIT: sqliteError('SQLITE_IOERR_FSYNC') }],
    ['at the commit, being full', { COMMIT: sqliteError('SQLITE_FULL') }],
    ['at the beginning', { 'BEGIN IMMEDIATE': sqliteError('SQLITE_IOERR_READ') }],
  ])('%s, everybody in flight is told that the outcome is unknown, and nothing goes on', async (_when, failures) => {
    const { writer, fatal, commits } = groupCommit(failures);
    const inFlight = [commits.run(1, writes('a')), commits.run(1, writes('b'))];
    for (const told of await Promise.allSettled(inFlight)) {
      expect(told).toMatchObject({ status: 'rejected', reason: expect.any(UnknownOutcome) });
    }
    await expect(commits.run(1, writes('c'))).rejects.toThrow(UnknownOutcome);
    expect(() => commits.read(() => 'rows')).toThrow(UnknownOutcome);
    expect(fatal).toHaveLength(1);
    expect(writer.statements.filter((sql) => sql === 'BEGIN IMMEDIATE')).toHaveLength(1);
  });

  test('at a row, those of its group and those that wait are told, and the transaction is undone', async () => {
    const { writer, fatal, commits } = groupCommit();
    const fine = commits.run(1, writes('a'));
    const failing = commits.run(1, () => {
      throw sqliteError('SQLITE_FULL');
    });
    const waiting = commits.run(2_000, writes('b'));
    for (const told of await Promise.allSettled([fine, failing, waiting])) expect(told.status).toBe('rejected');
    await commits.close(new Error('closed'));
    expect(writer.statements).toEqual(['BEGIN IMMEDIATE', 'ROLLBACK']);
    expect(fatal).toHaveLength(1);
  });
});

describe('when another process holds the lock for too long', () => {
  test('those who wait are told, and later ones are tried again', async () => {
    const failures: Record<string, Error> = { 'BEGIN IMMEDIATE': sqliteError('SQLITE_BUSY') };
    const { fatal, commits } = groupCommit(failures);
    await expect(commits.run(1, writes('a'))).rejects.toThrow('another process keeps the database locked');
    delete failures['BEGIN IMMEDIATE'];
    expect(await commits.run(1, writes('b'))).toBe('b');
    expect(fatal).toEqual([]);
  }, 20_000);
});
