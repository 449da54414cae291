import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { IrcWorld } from './irc-world.js';

/** Real logs that lie beside the repository on some machines. */
const directory = fileURLToPath(new URL('../../../shared/data/ubuntu-irc/', import.meta.url));

/** From both ends and the middle: the logs changed their form over the years. */
function chosenFiles(): string[] {
  const files = readdirSync(directory)
    .filter((name) => name.endsWith('.txt'))
    .sort();
  const step = Math.max(1, Math.floor(files.length / 9));
  return files.filter((_, index) => index % step === 0).map((name) => join(directory, name));
}

it.skipIf(!existsSync(directory))('imports real logs, where ../shared/data/ubuntu-irc is there', async () => {
  const files = chosenFiles();
  const all = files.flatMap((file) => readFileSync(file, 'utf8').trimEnd().split('\n'));
  const withTime = all.filter((line) => line.startsWith('['));
  const irc = await IrcWorld.open();
  const { tally } = await irc.import(files);
  const { counts, unread, notUtf8 } = tally;
  expect(counts.lines).toBe(all.length);
  expect(counts.messages + counts.actions + (unread.get('empty-text')?.length ?? 0)).toBe(withTime.length);
  expect([...unread.keys()].sort()).toEqual(['empty-text', 'mode', 'topic', 'unknown-actor']);
  expect(unread.get('mode')?.length).toBe(all.filter((line) => line.startsWith('=== mode/')).length);
  expect(notUtf8).toEqual([]);
  const said = withTime.flatMap((line) => /^.{8}(?:<[^>]+>|-\S+-|\(\S+\))(.*)/.exec(line)?.[1]?.trim() || []);
  expect(await messagesOf(irc)).toEqual(said);
  const before = await irc.events();
  await irc.import(files);
  expect((await irc.events()).length).toBe(before.length);
});

async function messagesOf(irc: IrcWorld): Promise<unknown[]> {
  const messages = (await irc.events()).map(({ data }) => data as { kind?: string; text?: string });
  return messages.filter(({ kind }) => kind === 'message').map(({ text }) => text);
}
