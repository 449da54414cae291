import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { textLines } from '../../src/history/irc/text-lines.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';

it('reads NUL, which no text may hold, as what stands for any character that is none', async () => {
  const path = join(await temporaryDirectory(), 'log.txt');
  await writeFile(path, 'a\0b\nc');
  const texts: unknown[] = [];
  for await (const { text } of textLines(path)) texts.push(text);
  expect(texts).toEqual(['a\ufffdb', 'c']);
});
