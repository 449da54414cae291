import type { Mail } from '../port.js';
import { english } from './en.js';
import { type Layout, layOut } from './layout.js';
import type { Language, Letter, Link } from './letters.js';

/** A language is a file of this folder, named by its tag, and a place here. */
const languages: ReadonlyMap<string, Language> = new Map([english].map((language) => [language.tag, language]));

export type WrittenLetter = Pick<Mail, 'subject' | 'text' | 'html' | 'link'>;

/** @param locale - BCP 47; English where its language is not known */
export function writeLetter(letter: Letter, locale: string = english.tag): WrittenLetter {
  const language = languageOf(locale);
  const { tag, greeting, ending, requests, notices } = language;
  const common = { language: tag, greeting, ending };
  if (!('link' in letter)) {
    const { subject, paragraphs } = notices[letter.name];
    return { subject, ...layOut({ ...common, subject, paragraphs }), link: undefined };
  }
  const { subject, paragraphs, action: label } = requests[letter.name];
  const action: Layout['action'] = { label, url: letter.link.url, goodUntil: goodUntil(letter.link, language) };
  return { subject, ...layOut({ ...common, subject, paragraphs, action }), link: letter.link.url };
}

function languageOf(locale: string): Language {
  return languages.get(locale) ?? languages.get(locale.split('-', 1)[0] as string) ?? english;
}

function goodUntil({ expiresAt }: Link, { tag, linkIsGoodUntil }: Language): string {
  const format = new Intl.DateTimeFormat(tag, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });
  return linkIsGoodUntil(`${format.format(expiresAt)} UTC`);
}
