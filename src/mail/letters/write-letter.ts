import type { Mail } from '../port.js';
import { english } from './en.js';
import { type Layout, layOut } from './layout.js';
import type { Language, Letter, Link, Reader } from './letters.js';

/** A language is a file of this folder, named by its tag, and a place here. */
const languages: ReadonlyMap<string, Language> = new Map([english].map((language) => [language.tag, language]));

export type WrittenLetter = Pick<Mail, 'subject' | 'text' | 'html' | 'link'>;

/** In English where the reader's language is not known. */
export function writeLetter(letter: Letter, reader: Reader = {}): WrittenLetter {
  const language = languageOf(reader.locale ?? english.tag);
  const { tag, greeting, ending, requests, notices } = language;
  const common = { language: tag, greeting, ending };
  if (!('link' in letter)) {
    const { subject, paragraphs } = notices[letter.name];
    return { subject, ...layOut({ ...common, subject, paragraphs }), link: undefined };
  }
  const { subject, paragraphs, action: label } = requests[letter.name];
  const action: Layout['action'] = { label, url: letter.link.url, goodUntil: goodUntil(letter.link, language, reader) };
  return { subject, ...layOut({ ...common, subject, paragraphs, action }), link: letter.link.url };
}

function languageOf(locale: string): Language {
  return languages.get(locale) ?? languages.get(primaryOf(locale)) ?? english;
}

/** The language of a locale, such as `de` of `de-AT`. */
function primaryOf(locale: string): string {
  return locale.split('-', 1)[0] as string;
}

function goodUntil({ expiresAt }: Link, { tag, linkIsGoodUntil }: Language, { locale, timeZone }: Reader): string {
  // As it is written where the reader is, if that is in the letter's language.
  const format = locale && primaryOf(locale) === primaryOf(tag) ? locale : tag;
  return linkIsGoodUntil(
    (timeZone && momentIn(timeZone, format, expiresAt)) ?? `${momentAt('UTC', format, expiresAt)} UTC`,
  );
}

/** @returns undefined if this process does not know the time zone, as the one did that took it */
function momentIn(timeZone: string, locale: string, at: number): string | undefined {
  try {
    return `${momentAt(timeZone, locale, at)} (${timeZone})`;
  } catch {
    return undefined;
  }
}

function momentAt(timeZone: string, locale: string, at: number): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'short', timeZone }).format(at);
}
