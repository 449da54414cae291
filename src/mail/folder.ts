import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import nodemailer from 'nodemailer';
import type { Logger } from 'pino';
import type { Mailbox } from './address.js';
import { messageOf } from './message.js';
import type { Mail, MailTransport } from './port.js';

export interface FolderOptions {
  readonly path: string;
  readonly from: Mailbox;
  readonly logger: Logger;
}

/** For development: writes each mail as `<id>.eml` into a folder instead of sending it, and shows its link in the log. */
export function openFolder({ path, from, logger }: FolderOptions): MailTransport {
  const composer = nodemailer.createTransport({ streamTransport: true, buffer: true });
  return {
    async send(mail: Mail) {
      const message = messageOf(mail, from);
      if (!message) return { outcome: 'refused', reason: 'not an address' };
      const { message: bytes } = await composer.sendMail(message);
      const file = join(path, `${mail.id}.eml`);
      await mkdir(path, { recursive: true, mode: 0o700 });
      await writeFile(file, bytes as Buffer, { mode: 0o600 });
      logger.info({ file, link: mail.link }, `a mail was written to a file instead of sent: ${mail.subject}`);
      return { outcome: 'taken' };
    },
    async close() {
      composer.close();
    },
  };
}
