import type { Logger } from 'pino';
import type { Mailbox } from './address.js';
import type { MailFolder } from './mail-folder.js';
import { messageOf } from './message.js';
import type { Mail, MailTransport } from './port.js';

export interface FolderOptions {
  readonly folder: MailFolder;
  readonly from: Mailbox;
  readonly logger: Logger;
}

/** For development: writes each mail into a folder instead of sending it, and shows its link in the log. */
export function openFolder({ folder, from, logger }: FolderOptions): MailTransport {
  let composer: ReturnType<typeof openComposer> | undefined;
  return {
    async send(mail: Mail) {
      const message = messageOf(mail, from);
      if (!message) return { outcome: 'refused', reason: 'not an address' };
      composer ??= openComposer();
      const { message: bytes } = await (await composer).sendMail(message);
      const file = await folder.keep(mail, bytes as Buffer);
      logger.info({ file, link: mail.link }, `a mail was written to a file instead of sent: ${mail.subject}`);
      return { outcome: 'taken' };
    },
    async close() {
      (await composer)?.close();
    },
  };
}

/** Loaded with the first mail: most processes on a developer's machine send none. */
async function openComposer() {
  const { default: nodemailer } = await import('nodemailer');
  return nodemailer.createTransport({ streamTransport: true, buffer: true });
}
