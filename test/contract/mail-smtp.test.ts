import { onTestFinished } from 'vitest';
import { openSmtp } from '../../src/mail/smtp.js';
import { MailServer } from '../mail/mail-server.js';
import { mailContract } from './mail.js';

mailContract('smtp', async (from) => {
  const server = await MailServer.start();
  const transport = openSmtp({ ...server.settings, from });
  onTestFinished(() => transport.close());
  return { transport, taken: async () => server.mails };
});
