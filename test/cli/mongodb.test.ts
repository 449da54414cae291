import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { ImportReport } from '../../src/cli/import-report.js';
import { openMongo } from '../../src/mongodb/connection.js';
import { freePorts } from '../fixtures/free-ports.js';
import { testDatabase } from '../fixtures/mongo-databases.js';
import { findServer } from '../fixtures/servers/find-server.js';
import { mongodb } from '../fixtures/servers/mongodb.js';
import type { TestServer } from '../fixtures/servers/server.js';
import { CommandLine } from './parley.js';

const source = await findServer(mongodb, 'the command line over MongoDB');

interface Checks {
  readonly checks: readonly { readonly name: string; readonly verdict: string; readonly detail: string }[];
}

const transcript = '[09:14] <ann> hello\n[09:16] <bob> hi\n';

async function importTo(parley: CommandLine): Promise<ImportReport> {
  const file = await parley.write('2004-11-15.txt', transcript);
  return (await parley.json<ImportReport>('import', 'irc', file, '--channel', 'test')).result;
}

describe.skipIf(!source)('the command line with read models and keys in MongoDB', { timeout: 120_000 }, () => {
  let server: TestServer;
  beforeAll(async () => {
    server = (await source?.start()) as TestServer;
  });
  afterAll(() => server.stop());

  const openParley = async () => {
    const database = testDatabase(server);
    onTestFinished(() => database.drop());
    return { database, parley: await CommandLine.open({ PARLEY_READ_STORE: database.setting }) };
  };

  it('imports, replays, verifies, and rebuilds what is as before, without a file for what MongoDB has', async () => {
    const { parley } = await openParley();
    const { feed } = await importTo(parley);
    expect(existsSync(join(parley.dataDirectory, 'events.db'))).toBe(true);
    for (const file of ['keys.db', 'read-models.db']) expect(existsSync(join(parley.dataDirectory, file))).toBe(false);
    expect((await parley.run('replay', feed)).stdout).toContain('"text":"hello"');
    expect(await parley.json('verify')).toMatchObject({ exitCode: 0, result: { findings: [] } });
    expect((await parley.run('rebuild')).exitCode).toBe(0);
    const { exitCode, result } = await parley.json<{ projections: { comparison: object }[] }>('rebuild');
    expect(exitCode).toBe(0);
    for (const { comparison } of result.projections) expect(comparison).toMatchObject({ differing: 0 });
  });

  it('finds documents that a rebuild makes otherwise', async () => {
    const { parley, database } = await openParley();
    await importTo(parley);
    await parley.run('rebuild');
    const { db, close } = await openMongo(database);
    const { live } =
      (await db.collection<{ _id: string; live: number }>('projections').findOne({ _id: 'conversations' })) ?? {};
    const { modifiedCount } = await db
      .collection(`messages_${live}`)
      .updateOne({ body: /hello/ }, { $set: { body: '{"text":"hullo"}' } });
    await close();
    expect(modifiedCount).toBe(1);
    const { exitCode, stdout } = await parley.run('rebuild', 'conversations');
    expect(exitCode).toBe(7);
    expect(stdout).toMatch(/conversations: at position \d+, 1 of \d+ documents differ/);
  });

  it('has doctor name the server and its version', async () => {
    const { parley, database } = await openParley();
    await importTo(parley);
    await parley.run('rebuild');
    const { exitCode, result } = await parley.json<Checks>('doctor');
    expect(exitCode).toBe(0);
    const check = (name: string) => result.checks.find((check) => check.name === name);
    const hosts = server.url.replace(/^.*@|^mongodb:\/\//, '').replace(/[/?].*$/, '');
    for (const [name, place] of [
      ['database readModels', database.database],
      ['database keys', `${database.database}-keys`],
    ] as const) {
      const { verdict, detail } = check(name) ?? {};
      expect(verdict).toBe('ok');
      expect(detail).toMatch(/^MongoDB at .+: version \d+\.\d+\.\d+.*, (a single node|replica set .+)$/);
      expect(detail).toContain(`${hosts}/${place}: `);
    }
    expect(check('read models')).toMatchObject({ verdict: 'ok' });
  });

  it('does not make new keys where there are some in a file', async () => {
    const { database } = await openParley();
    const parley = await CommandLine.open();
    await importTo(parley);
    await parley.write('.env', `PARLEY_READ_STORE=${database.setting}\n`);
    const { exitCode, stderr } = await parley.run('rebuild');
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(/^parley: There are keys in .+keys\.db, but .+: set PARLEY_KEYS=sqlite, or /m);
    await parley.write('.env', `PARLEY_READ_STORE=${database.setting}\nPARLEY_KEYS=sqlite\n`);
    expect((await parley.run('rebuild')).exitCode).toBe(0);
  });
});

describe('the command line, where no MongoDB answers', () => {
  it('says so, without a word of the password', async () => {
    const [port] = await freePorts(1);
    const setting = `mongodb://ann:sesame@127.0.0.1:${port}/parley`;
    const parley = await CommandLine.open();
    await importTo(parley);
    await parley.write('.env', `PARLEY_READ_STORE=${setting}\nPARLEY_KEYS=sqlite\n`);
    const { exitCode, result } = await parley.json<Checks>('doctor');
    expect(exitCode).toBe(7);
    const check = result.checks.find(({ name }) => name === 'database readModels');
    expect(check).toMatchObject({ verdict: 'fail', detail: expect.stringContaining(`127.0.0.1:${port}/parley`) });
    expect(JSON.stringify(result)).not.toContain('sesame');
  });
});
