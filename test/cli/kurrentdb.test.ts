import { mkdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { parseKurrentUrl } from '../../src/event-store/kurrentdb-address.js';
import { inNewNamespace } from '../contract/kurrentdb-logs.js';
import { call, TestPerson } from '../fixtures/api-client.js';
import { KurrentStandIn } from '../fixtures/kurrentdb-stand-in/stand-in.js';
import { ServerProcess } from '../fixtures/server-process.js';
import { findServer } from '../fixtures/servers/find-server.js';
import { kurrentdb } from '../fixtures/servers/kurrentdb.js';
import type { TestServer } from '../fixtures/servers/server.js';
import { CommandLine } from './parley.js';

const real = await findServer(kurrentdb, 'processes over a real KurrentDB');
if (real) runOver('KurrentDB', () => real.start());
runOver('a stand-in for KurrentDB', () => KurrentStandIn.start());

function runOver(name: string, start: () => Promise<TestServer>): void {
  describe(`over ${name}`, () => {
    let server: TestServer;
    let url: string;
    beforeAll(async () => {
      server = await start();
      url = inNewNamespace(server.url);
    });
    afterAll(() => server?.stop());

    async function open(): Promise<CommandLine> {
      const parley = await CommandLine.open({ PARLEY_EVENT_STORE: url });
      await mkdir(parley.dataDirectory);
      return parley;
    }

    test('doctor names the server and its version', async () => {
      const parley = await open();
      const { stdout } = await parley.run('doctor');
      const { place, namespace } = parseKurrentUrl(url);
      expect(stdout).toMatch(/^ok {4}settings: .*, event store kurrentdb$/m);
      expect(stdout).toMatch(/^ok {4}database log: KurrentDB \d+\.\d+\.\d+\S* at \S+, namespace test\w+$/m);
      expect(stdout).toContain(` at ${place}, namespace ${namespace}\n`);
    });

    test('a command ends when it is done', async () => {
      const { exitCode, stdout, stderr } = await (await open()).run('verify');
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout).toContain('all is well');
    });

    test('a process that is killed has everything again, once, and ends in order', async () => {
      const settings = { PARLEY_EVENT_STORE: inNewNamespace(server.url) };
      const parley = await CommandLine.open(settings);
      const process = await ServerProcess.of(parley.dataDirectory, settings);
      onTestFinished(async () => void (await process.end('SIGKILL')));
      await process.start();
      const ann = await TestPerson.register(process.url, 'Ann');
      const { id } = (await ann.post('channels', { name: 'General' })).body;
      const post = (text: string) => ann.post(`channels/${id}/messages`, { text }, { 'idempotency-key': text });
      const posted = await post('before');
      expect(posted.status).toBe(201);

      await process.end('SIGKILL');
      await process.start();
      expect((await post('before')).body).toEqual(posted.body);
      const { headers } = await post('after');
      const { body } = await call(process.url, 'GET', `channels/${id}/messages`, {
        token: ann.token,
        headers: { 'parley-position': headers.get('parley-position') as string },
      });
      expect(new Set(body.items.map(({ text }: { text: string }) => text))).toEqual(new Set(['before', 'after']));
      expect(await process.end('SIGTERM'), process.output).toBe(0);
      expect(await parley.json('verify')).toMatchObject({ exitCode: 0, result: { findings: [] } });
      const { exitCode, stdout } = await parley.run('doctor');
      expect({ exitCode, stdout }).toEqual({
        exitCode: 0,
        stdout: expect.stringMatching(/^ok {4}log: ends at position [1-9]\d*$/m),
      });
    });
  });
}

describe('where the log is in KurrentDB', () => {
  async function onStandIn(version = '26.1.0') {
    const standIn = await KurrentStandIn.start(version);
    onTestFinished(() => standIn.stop());
    const url = standIn.url.replace('?', '/talk?').replace('//', '//ann:s3cret@');
    const parley = await CommandLine.open({ PARLEY_EVENT_STORE: url });
    return { standIn, parley, place: parseKurrentUrl(url).place };
  }

  test('a command without a data directory has no keys, and says so', async () => {
    const { parley } = await onStandIn();
    expect(await parley.run('verify')).toMatchObject({
      exitCode: 4,
      stderr: expect.stringContaining('no data directory'),
    });
  });

  test.each([
    ['25.1.0', 'warn', 'checks of streams that an append does not write to (26.1 or later)'],
    ['24.10.4', 'fail', 'appends to several streams at once (25.1 or later) and checks'],
  ])('doctor tells what version %s lacks, and no password', async (version, verdict, lacking) => {
    const { parley, place } = await onStandIn(version);
    const { stdout } = await parley.run('doctor');
    const line = `${verdict}  database log: KurrentDB ${version} at ${place}, namespace talk lacks ${lacking}`;
    expect(stdout).toContain(line);
    expect(stdout).not.toContain('s3cret');
  });

  test('doctor tells that it is not let in', async () => {
    const { standIn, parley, place } = await onStandIn();
    standIn.reads.denied = true;
    const { exitCode, stdout } = await parley.run('doctor');
    expect(exitCode).toBe(7);
    expect(stdout).toContain(`fail  database log: KurrentDB at ${place} can't be read: `);
    expect(stdout).not.toContain('s3cret');
  });

  test('a server that is too old is refused with an exit code of its own', async () => {
    const { parley } = await onStandIn('24.10.4');
    const { exitCode, stderr } = await parley.run('serve');
    expect(exitCode).toBe(8);
    expect(stderr).toMatch(/^parley: KurrentDB 24\.10\.4 at \S+ lacks appends to several streams at once/m);
  });
});
