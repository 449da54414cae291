import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { ImportReport } from '../../src/cli/import-report.js';
import { CommandLine, ended } from './parley.js';

const day = '[09:14] <ann> hello\n=== bob [n=b@host]  has joined #test\n[09:15] <bob>\n[09:16] <bob> hi\n';

it('imports files and says what came of them', async () => {
  const parley = await CommandLine.open();
  const file = await parley.write('2004-11-15.txt', day);
  const { exitCode, stdout, stderr } = await parley.run('import', 'irc', file, '--channel', 'test');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toMatch(/^Imported into channel-[0-9a-f-]{36}\.$/m);
  expect(stdout).toMatch(/^ {2}messages +2$/m);
  expect(stdout).toMatch(/^ {2}messages without a text +1$/m);
});

it('tells scripts which lines it did not import', async () => {
  const parley = await CommandLine.open();
  const file = await parley.write('2004-11-15.txt', day);
  const { exitCode, result } = await parley.json<ImportReport>('import', 'irc', file, '--channel', 'test');
  expect(exitCode).toBe(0);
  expect(result).toMatchObject({
    files: 1,
    lines: 4,
    messages: 2,
    joins: 1,
    impliedJoins: 1,
    people: 2,
    interrupted: false,
    unread: { 'empty-text': [{ file, line: 3 }] },
    withoutEffect: {},
    notUtf8: [],
  });
});

it('doubles nothing when run again', async () => {
  const parley = await CommandLine.open();
  const file = await parley.write('2004-11-15.txt', day);
  const first = await parley.json<ImportReport>('import', 'irc', file, '--channel', 'test');
  const again = await parley.json<ImportReport>('import', 'irc', file, '--channel', 'test');
  expect(again.result).toMatchObject({ feed: first.result.feed, lines: 0, linesImportedBefore: 4 });
  const { stdout } = await parley.run('replay', first.result.feed);
  expect(stdout.match(/MessagePosted/g)).toHaveLength(2);
});

it('ends cleanly when interrupted, and goes on from there', async () => {
  const parley = await CommandLine.open();
  const count = 40_000;
  const text = Array.from({ length: count }, (_, line) => `[09:14] <ann> ${line}\n`).join('');
  const file = await parley.write('2004-11-15.txt', text);
  const command = ['import', 'irc', file, '--channel', 'test', '--json'];
  const child = parley.start(...command);
  const run = ended(child);
  const written = join(parley.dataDirectory, 'events.db-wal');
  while (!existsSync(written) || statSync(written).size < 1_000_000) await delay(5);
  child.kill('SIGINT');
  const { exitCode, stdout } = await run;
  expect(exitCode).toBe(130);
  const first = JSON.parse(stdout) as ImportReport;
  expect(first).toMatchObject({ interrupted: true });
  expect(first.messages).toBeLessThan(count);
  const { result } = await parley.json<ImportReport>(...command.slice(0, -1));
  expect(result).toMatchObject({ interrupted: false, linesImportedBefore: first.lines });
  expect(first.messages + result.messages).toBe(count);
});

it.each([
  [['notes.txt'], /notes\.txt: its name must begin with its date/],
  [['2004-11-16.txt'], /2004-11-16\.txt can't be read \(ENOENT\)/],
  [[], /missing required argument 'file'/],
])('refuses %j with one line', async (names, told) => {
  const parley = await CommandLine.open();
  await parley.write('notes.txt', day);
  const { exitCode, stdout, stderr } = await parley.run('import', 'irc', ...names, '--channel', 'test');
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toMatch(told);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});

it.each([[''], ['x'.repeat(81)]])('refuses the channel name "%s"', async (name) => {
  const parley = await CommandLine.open();
  const file = await parley.write('2004-11-15.txt', day);
  const { exitCode, stderr } = await parley.run('import', 'irc', file, '--channel', name);
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/^parley: --channel: .+\n$/);
});
