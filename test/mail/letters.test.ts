import { describe, expect, it } from 'vitest';
import type { Letter, NoticeName, RequestName } from '../../src/mail/letters/letters.js';
import { writeLetter } from '../../src/mail/letters/write-letter.js';

const url = 'https://talk.example/verify-email?token=a.b-c_d';
const link = { url, expiresAt: Date.parse('2030-01-01T12:00:00Z') };
const requests: RequestName[] = ['verify-email', 'change-email', 'reset-password', 'account-made'];
const notices: NoticeName[] = [
  'email-changed',
  'registration-attempted',
  'password-changed',
  'second-factor-enabled',
  'second-factor-disabled',
];

describe('a letter', () => {
  it.each(requests)('that asks for something holds its link, and until when it is good: %s', (name) => {
    const { subject, text, html, link: told } = writeLetter({ name, link });
    expect(subject).toMatch(/\S/);
    expect(text).toContain(`\n${url}\n`);
    expect(text).toContain('January 1, 2030 at 12:00 PM UTC');
    expect(html).toContain(`<a href="${url}">`);
    expect(html).toContain('January 1, 2030 at 12:00 PM UTC');
    expect(told).toBe(url);
  });

  it.each(notices)('that tells of something holds no link: %s', (name) => {
    const { subject, text, html, link: told } = writeLetter({ name });
    expect(subject).toMatch(/\S/);
    expect(text + html).not.toMatch(/http|href/);
    expect(told).toBeUndefined();
  });

  it('says the same in plain text and in HTML', () => {
    const letters: Letter[] = [...requests.map((name) => ({ name, link })), ...notices.map((name) => ({ name }))];
    for (const letter of letters) {
      const { text, html } = writeLetter(letter);
      const body = html.slice(html.indexOf('<body'));
      const plain = body.replaceAll(/<[^>]*>/g, ' ').replaceAll('&#39;', "'");
      const words = (of: string) =>
        of
          .replaceAll(/https:\S+|-- |:\n/g, ' ')
          .split(/\s+/)
          .filter(Boolean);
      expect(words(plain)).toEqual(words(text));
    }
  });

  it('is safe in HTML whatever its link holds', () => {
    const hostile = `https://talk.example/"><script>alert('1')</script>&copy;`;
    const { html, text } = writeLetter({ name: 'verify-email', link: { ...link, url: hostile } });
    expect(html).not.toContain('<script>');
    expect(html).toContain('&quot;&gt;&lt;script&gt;');
    expect(html).toContain('&amp;copy;');
    expect(text).toContain(hostile);
  });

  it.each(['de', 'de-AT', 'x', ''])('is in English where there is no other: %j', (locale) => {
    expect(writeLetter({ name: 'verify-email', link }, { locale })).toEqual(
      writeLetter({ name: 'verify-email', link }),
    );
  });

  it.each([
    [{ timeZone: 'Europe/Berlin' }, 'January 1, 2030 at 1:00 PM (Europe/Berlin)'],
    [{ timeZone: 'Asia/Kolkata', locale: 'de-AT' }, 'January 1, 2030 at 5:30 PM (Asia/Kolkata)'],
    [{ timeZone: 'Europe/London', locale: 'en-GB' }, '1 January 2030 at 12:00 (Europe/London)'],
    [{ timeZone: 'Europe/Atlantis', locale: 'en-GB' }, '1 January 2030 at 12:00 UTC'],
    [{ timeZone: null, locale: null }, 'January 1, 2030 at 12:00 PM UTC'],
  ])('tells times as its reader does: %j', (reader, moment) => {
    const { text, html } = writeLetter({ name: 'verify-email', link }, reader);
    expect(text).toContain(` until ${moment}.`);
    expect(html).toContain(` until ${moment}.`);
  });
});
