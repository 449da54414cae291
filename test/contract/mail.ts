import { describe, expect, it } from 'vitest';
import type { Mailbox } from '../../src/mail/address.js';
import type { Mail, MailTransport } from '../../src/mail/port.js';
import { decoded, headerOf, parts } from '../mail/mime.js';

export interface TransportUnderTest {
  readonly transport: MailTransport;
  /** The messages that were taken, each with those whom its envelope names, where there is one. */
  taken(): Promise<{ readonly message: string; readonly to?: readonly string[] }[]>;
}

export const mail: Mail = {
  id: '01900001-0000-7000-8000-000000000000',
  person: '01900002-0000-7000-8000-000000000000',
  writtenAt: Date.parse('2030-01-01T12:00:00Z'),
  to: 'ann@example.org',
  subject: 'Confirm your address',
  text: 'Follow https://talk.example/verify-email?token=abc',
  html: '<p>Follow <a href="https://talk.example/verify-email?token=abc">this</a></p>',
  link: 'https://talk.example/verify-email?token=abc',
};

const talk: Mailbox = { name: 'Talk', address: 'talk@talk.example' };
const headers = ['message-id', 'date', 'from', 'to', 'subject', 'auto-submitted', 'bcc', 'cc', 'x'];

/** What every adapter of outgoing mail must do. */
export function mailContract(adapter: string, open: (from: Mailbox) => Promise<TransportUnderTest>): void {
  describe(`mail: ${adapter}`, () => {
    /** Sends the mail, which must be taken. */
    async function send(changes: Partial<Mail> = {}, from = talk) {
      const { transport, taken } = await open(from);
      expect(await transport.send({ ...mail, ...changes })).toEqual({ outcome: 'taken' });
      const [message, ...others] = await taken();
      expect(others).toEqual([]);
      return message as { message: string; to?: readonly string[] };
    }

    it('writes the headers of a mail that a machine has written', async () => {
      const { message } = await send();
      expect(Object.fromEntries(headers.map((name) => [name, headerOf(message, name)]))).toEqual({
        'message-id': '<01900001-0000-7000-8000-000000000000@talk.example>',
        date: 'Tue, 01 Jan 2030 12:00:00 +0000',
        from: 'Talk <talk@talk.example>',
        to: 'ann@example.org',
        subject: 'Confirm your address',
        'auto-submitted': 'auto-generated',
      });
    });

    it('writes the text in plain, and as HTML for those who prefer it', async () => {
      const { message } = await send();
      expect(headerOf(message, 'content-type')).toMatch(/^multipart\/alternative/);
      expect(message.match(/^Content-Type: text\/\w+; charset=utf-8/gim)).toEqual([
        'Content-Type: text/plain; charset=utf-8',
        'Content-Type: text/html; charset=utf-8',
      ]);
      expect(parts(message)).toEqual([mail.text, mail.html]);
    });

    it('takes any characters in a subject, a text, a sender and a recipient', async () => {
      const unicode = { to: 'jörg@bücher.example', subject: 'Bestätige 🙂', text: 'Grüße 会話', html: '<p>🙂</p>' };
      const { message } = await send(unicode, { name: 'Gespräche 会話', address: 'talk@talk.example' });
      expect(decoded(headerOf(message, 'subject'))).toBe('Bestätige 🙂');
      expect(decoded(headerOf(message, 'from'))).toBe('Gespräche 会話 <talk@talk.example>');
      expect(parts(message)).toEqual(['Grüße 会話', '<p>🙂</p>']);
    });

    it('writes the same mail the same whenever it is sent', async () => {
      const [first, second] = [(await send()).message, (await send()).message] as [string, string];
      for (const name of headers) expect(headerOf(first, name)).toBe(headerOf(second, name));
    });

    it.each([
      'ann@example.org\r\nBcc: eve@example.org',
      'ann@example.org, eve@example.org',
      'ann@example.org>\r\nRCPT TO:<eve@example.org',
      '"ann@example.org eve@evil.example"@example.org',
      'Ann <ann@example.org>',
      'ann@example.org eve@example.org',
      'ann@example.org\0',
      'ann',
      '',
      `${'a'.repeat(250)}@example.org`,
    ])('takes no mail to what is not one address: %j', async (to) => {
      const { transport, taken } = await open(talk);
      expect(await transport.send({ ...mail, to })).toEqual({ outcome: 'refused', reason: 'not an address' });
      expect(await taken()).toEqual([]);
    });

    it('lets a subject begin no other header', async () => {
      const { message, to } = await send({ subject: 'Hello\r\nBcc: eve@example.org\r\n\r\nand a body\u2028X: y\0' });
      expect(headerOf(message, 'bcc')).toBeUndefined();
      expect(headerOf(message, 'x')).toBeUndefined();
      expect(headerOf(message, 'subject')).toBe('Hello Bcc: eve@example.org and a body X: y');
      expect(to ?? [mail.to]).toEqual([mail.to]);
    });

    it('lets a sender’s name begin no other header', async () => {
      const { message } = await send({}, { ...talk, name: 'Talk\r\nBcc: eve@example.org' });
      expect(headerOf(message, 'bcc')).toBeUndefined();
    });

    it('lets a text end no message', async () => {
      const text = 'Hello\r\n.\r\nMAIL FROM:<eve@example.org>';
      expect(parts((await send({ text })).message)[0]).toBe(text);
    });
  });
}
