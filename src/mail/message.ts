import type { SendMailOptions } from 'nodemailer';
import { type Mailbox, mailAddress } from './address.js';
import type { Mail } from './port.js';

/** RFC 3834: answers of machines, such as absence notices, are not to be sent to a mail that nobody has written. */
const writtenByMachine = { 'Auto-Submitted': 'auto-generated' };

/**
 * The mail as an RFC 5322 message, plain text with an HTML alternative.
 * @returns undefined if its recipient is no address
 */
export function messageOf(mail: Mail, from: Mailbox): SendMailOptions | undefined {
  if (!mailAddress.safeParse(mail.to).success) return undefined;
  return {
    messageId: `<${mail.id}@${domainOf(from.address)}>`,
    date: new Date(mail.writtenAt),
    from,
    to: { name: '', address: mail.to },
    envelope: { from: from.address, to: [mail.to] },
    subject: mail.subject.replaceAll(/[\p{C}\u2028\u2029]+/gu, ' ').trim(),
    text: mail.text,
    html: mail.html,
    headers: writtenByMachine,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

function domainOf(address: string): string {
  return address.slice(address.indexOf('@') + 1);
}
