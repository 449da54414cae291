import { mkdir } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { KurrentStandIn } from '../fixtures/kurrentdb-stand-in/stand-in.js';
import { CommandLine } from './parley.js';

async function onServer(version: string): Promise<{ parley: CommandLine; place: string }> {
  const standIn = await KurrentStandIn.start(version);
  onTestFinished(() => standIn.stop());
  const parley = await CommandLine.open();
  const url = standIn.url.replace('?', '/talk?').replace('//', '//ann:s3cret@');
  await parley.write('.env', `PARLEY_EVENT_STORE=${url}\n`);
  return { parley, place: new URL(standIn.url).host };
}

test('doctor names the KurrentDB and its version, and no password', async () => {
  const { parley, place } = await onServer('26.1.0');
  const { stdout } = await parley.run('doctor');
  expect(stdout).toMatch(/^ok {4}settings: .*, event store kurrentdb$/m);
  expect(stdout).toContain(`ok    database log: KurrentDB 26.1.0 at ${place}, namespace talk\n`);
  expect(stdout).not.toContain('s3cret');
});

test.each([
  ['25.1.0', 'warn', 'checks of streams that an append does not write to (26.1 or later)'],
  ['24.10.4', 'fail', 'appends to several streams at once (25.1 or later) and checks'],
])('doctor tells what KurrentDB %s lacks', async (version, verdict, lacking) => {
  const { parley, place } = await onServer(version);
  const line = `${verdict}  database log: KurrentDB ${version} at ${place}, namespace talk lacks ${lacking}`;
  expect((await parley.run('doctor')).stdout).toContain(line);
});

test('a command over a log in KurrentDB ends when it is done', async () => {
  const { parley } = await onServer('26.1.0');
  expect(await parley.run('verify')).toMatchObject({
    exitCode: 4,
    stderr: expect.stringContaining('no data directory'),
  });
  await mkdir(parley.dataDirectory);
  const { exitCode, stdout, stderr } = await parley.run('verify');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toContain('all is well');
});

test('a server that is too old is refused with an exit code of its own', async () => {
  const { parley } = await onServer('24.10.4');
  const { exitCode, stderr } = await parley.run('serve');
  expect(exitCode).toBe(8);
  expect(stderr).toMatch(/^parley: KurrentDB 24\.10\.4 at \S+ lacks appends to several streams at once/m);
});
