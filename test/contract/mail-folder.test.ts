import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { openFolder } from '../../src/mail/folder.js';
import { MailFolder } from '../../src/mail/mail-folder.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { mail, mailContract } from './mail.js';

const silent = pino({ level: 'silent' });

mailContract('folder', async (from) => {
  const path = join(await temporaryDirectory(), 'mail');
  const transport = openFolder({ folder: new MailFolder(path), from, logger: silent });
  onTestFinished(() => transport.close());
  const read = async (file: string) => ({ message: await readFile(join(path, file), 'utf8') });
  return { transport, taken: async () => Promise.all((await readdir(path).catch(() => [])).map(read)) };
});

it('a folder keeps a mail under its person’s id and its own, for our eyes only, and its link is shown in the log', async () => {
  const path = join(await temporaryDirectory(), 'mail');
  const lines: string[] = [];
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  const transport = openFolder({
    folder: new MailFolder(path),
    from: { name: 'Talk', address: 'talk@localhost' },
    logger,
  });
  await transport.send(mail);
  await transport.send(mail);
  await transport.close();
  const name = `${mail.person}.${mail.id}.eml`;
  const file = join(path, name);
  expect(await readdir(path)).toEqual([name]);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await stat(path)).mode & 0o777).toBe(0o700);
  expect(JSON.parse(lines[0] as string)).toMatchObject({ file, link: mail.link });
  expect(lines[0]).not.toContain('ann@example.org');
});

it('a folder loses the mails about people who are forgotten, also those that were being written, and no others', async () => {
  const path = join(await temporaryDirectory(), 'mail');
  const folder = new MailFolder(path);
  const transport = openFolder({ folder, from: { name: 'Talk', address: 'talk@localhost' }, logger: silent });
  onTestFinished(() => transport.close());
  const other = { ...mail, person: '01900003-0000-7000-8000-000000000000', to: 'bob@example.org' };
  await new MailFolder(path).forget([mail.person]);
  for (const id of ['1', '2']) {
    await transport.send({ ...mail, id });
    await transport.send({ ...other, id });
  }
  const late = transport.send({ ...mail, id: '3' });
  await folder.forget([mail.person]);
  await late;
  await transport.send({ ...mail, id: '4' });
  expect((await readdir(path)).sort()).toEqual([`${other.person}.1.eml`, `${other.person}.2.eml`]);
});
