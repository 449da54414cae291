import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'libsql';
import { describe, expect, it } from 'vitest';
import type { ImportReport } from '../../src/cli/import-report.js';
import { CommandLine } from './parley.js';

/** A data directory with a channel of two messages. */
async function withChannel(): Promise<{ parley: CommandLine; feed: string }> {
  const parley = await CommandLine.open();
  const file = await parley.write('2004-11-15.txt', '[09:14] <ann> hello\n[09:16] <bob> hi\n');
  const { result } = await parley.json<ImportReport>('import', 'irc', file, '--channel', 'test');
  return { parley, feed: result.feed };
}

interface Frame {
  readonly revision: number;
  readonly type?: string;
  readonly data?: { readonly text?: string; readonly authorId?: string };
  readonly names: Readonly<Record<string, string>>;
}

function framesOf(stdout: string): Frame[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Frame);
}

describe('replay', () => {
  it('prints a frame a line, with the names of people', async () => {
    const { parley, feed } = await withChannel();
    const { exitCode, stdout } = await parley.run('replay', feed);
    expect(exitCode).toBe(0);
    const posted = framesOf(stdout).filter(({ type }) => type === 'conversations.MessagePosted');
    expect(posted.map(({ data, names }) => [names[String(data?.authorId)], data?.text])).toEqual([
      ['ann', 'hello'],
      ['bob', 'hi'],
    ]);
  });

  it('prints a range of revisions, or of time', async () => {
    const { parley, feed } = await withChannel();
    const byRevision = await parley.run('replay', feed, '--from', '2', '--to', '3');
    expect(framesOf(byRevision.stdout).map(({ revision }) => revision)).toEqual([2, 3]);
    const byTime = await parley.run(
      'replay',
      feed,
      '--from',
      '2004-11-15T09:16:00Z',
      '--to',
      '2004-11-15T10:16:00+01:00',
    );
    expect(framesOf(byTime.stdout).at(-1)?.data?.text).toBe('hi');
  });

  it('refuses a feed that is not there, and bounds that are none', async () => {
    const { parley, feed } = await withChannel();
    expect(await parley.run('replay', 'channel-none')).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: 'parley: There is no feed channel-none.\n',
    });
    expect((await parley.run('replay', feed, '--from', 'yesterday')).exitCode).toBe(2);
    expect((await parley.run('replay', feed, '--speed', '0')).exitCode).toBe(2);
  });
});

describe('rebuild', () => {
  it('builds all read models, and finds the same when run again', async () => {
    const { parley } = await withChannel();
    expect((await parley.run('rebuild')).exitCode).toBe(0);
    const { exitCode, result } = await parley.json<{ events: number; projections: { comparison: object }[] }>(
      'rebuild',
    );
    expect(exitCode).toBe(0);
    expect(result.events).toBeGreaterThan(0);
    for (const { comparison } of result.projections) expect(comparison).toMatchObject({ differing: 0 });
  });

  it('says which documents differed from what the log tells', async () => {
    const { parley } = await withChannel();
    await parley.run('rebuild');
    change(join(parley.dataDirectory, 'read-models.db'), 'hello', 'hullo');
    const { exitCode, stdout } = await parley.run('rebuild', 'conversations');
    expect(exitCode).toBe(7);
    expect(stdout).toMatch(/conversations: at position \d+, 1 of \d+ documents differ/);
  });

  it('refuses a projection that is not there', async () => {
    const { parley } = await withChannel();
    const { exitCode, stderr } = await parley.run('rebuild', 'nonsense');
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^parley: there is no projection nonsense; there are access, /);
  });
});

describe('verify', () => {
  it('finds nothing in a log as it was written', async () => {
    const { parley } = await withChannel();
    expect(await parley.json('verify')).toMatchObject({ exitCode: 0, result: { streams: 3, findings: [] } });
  });

  it('finds an event that was changed', async () => {
    const { parley } = await withChannel();
    change(join(parley.dataDirectory, 'events.db'), '"test"', '"best"');
    const { exitCode, result } = await parley.json('verify');
    expect({ exitCode, result }).toMatchObject({
      exitCode: 7,
      result: { findings: [{ problem: 'hash-mismatch', revision: 1 }] },
    });
    expect((await parley.run('verify')).stdout).toMatch(/^ {2}hash-mismatch: channel-\S+ revision 1, position \d+: /m);
  });
});

interface Checks {
  readonly checks: readonly { readonly name: string; readonly verdict: string; readonly detail: string }[];
}

describe('doctor', () => {
  it('finds a healthy directory well', async () => {
    const { parley } = await withChannel();
    await parley.run('rebuild');
    const { exitCode, result } = await parley.json<Checks>('doctor');
    expect(exitCode).toBe(0);
    expect(result.checks.filter(({ verdict }) => verdict === 'fail')).toEqual([]);
    for (const database of ['log', 'keys', 'readModels']) {
      const { detail } = result.checks.find(({ name }) => name === `database ${database}`) ?? {};
      expect(detail).toMatch(/^SQLite 3\.\d+\.\d+, \S+\.db, \d+ MiB$/);
    }
    expect(result.checks.map(({ name }) => name)).toEqual([
      'node',
      'settings',
      'data directory',
      'free space',
      'database log',
      'database keys',
      'database readModels',
      'log',
      'read models',
      'broker',
      'mail',
      'server',
    ]);
  });

  it('tells of a damaged database', async () => {
    const { parley } = await withChannel();
    const keys = join(parley.dataDirectory, 'keys.db');
    await Promise.all(['-wal', '-shm'].map((end) => rm(`${keys}${end}`, { force: true })));
    await writeFile(keys, 'not a database');
    const { exitCode, stdout } = await parley.run('doctor');
    expect(exitCode).toBe(7);
    expect(stdout).toMatch(/^fail {2}database keys: /m);
    expect(stdout).toMatch(/^ok {4}database log: /m);
  });
});

describe('every command', () => {
  it('lists the exit codes in its help', async () => {
    const parley = await CommandLine.open();
    for (const command of [[], ['doctor'], ['serve']]) {
      const { exitCode, stdout } = await parley.run(...command, '--help');
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(/^ {2}7 +a check has found something$/m);
    }
  });

  it.each([['verify'], ['rebuild'], ['replay', 'channel-x']])(
    '%s refuses a directory without a log',
    async (...command) => {
      const parley = await CommandLine.open();
      const { exitCode, stderr } = await parley.run(...command);
      expect(exitCode).toBe(4);
      expect(stderr).toMatch(/^parley: There is no log in the data directory .+\n$/);
    },
  );

  it('refuses settings that can’t be used', async () => {
    const parley = await CommandLine.open();
    await parley.write('.env', 'PARLEY_EDGE_PORT=nonsense\n');
    const { exitCode, stderr } = await parley.run('verify');
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/^parley: PARLEY_EDGE_PORT: /);
  });
});

/** Replaces text in the first row that holds it, in whichever table. */
function change(path: string, from: string, to: string): void {
  const database = new Database(path);
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all() as { name: string }[];
  for (const { name } of tables) {
    const columns = database.prepare(`SELECT name FROM pragma_table_info('${name}')`).all() as { name: string }[];
    for (const column of columns) {
      database
        .prepare(
          `UPDATE "${name}" SET "${column.name}" = replace("${column.name}", ?, ?) WHERE instr("${column.name}", ?) > 0`,
        )
        .run(from, to, from);
    }
  }
  database.close();
}
