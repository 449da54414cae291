import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { openFolder } from '../../src/mail/folder.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { mail, mailContract } from './mail.js';

const silent = pino({ level: 'silent' });

mailContract('folder', async (from) => {
  const path = join(await temporaryDirectory(), 'mail');
  const transport = openFolder({ path, from, logger: silent });
  onTestFinished(() => transport.close());
  const read = async (file: string) => ({ message: await readFile(join(path, file), 'utf8') });
  return { transport, taken: async () => Promise.all((await readdir(path).catch(() => [])).map(read)) };
});

it('a folder keeps a mail under its id, for our eyes only, and its link is shown in the log', async () => {
  const path = join(await temporaryDirectory(), 'mail');
  const lines: string[] = [];
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  const transport = openFolder({ path, from: { name: 'Talk', address: 'talk@localhost' }, logger });
  await transport.send(mail);
  await transport.send(mail);
  await transport.close();
  const file = join(path, `${mail.id}.eml`);
  expect(await readdir(path)).toEqual([`${mail.id}.eml`]);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await stat(path)).mode & 0o777).toBe(0o700);
  expect(JSON.parse(lines[0] as string)).toMatchObject({ file, link: mail.link });
  expect(lines[0]).not.toContain('ann@example.org');
});
