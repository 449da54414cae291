/** What Parley writes to people about. */

/** Letters that ask for something, which a link does. */
export type RequestName = 'verify-email' | 'change-email' | 'reset-password' | 'account-made';
/** Letters that tell what has happened. */
export type NoticeName =
  | 'email-changed'
  | 'registration-attempted'
  | 'password-changed'
  | 'second-factor-enabled'
  | 'second-factor-disabled';

export interface Link {
  readonly url: string;
  /** In ms since 1970. */
  readonly expiresAt: number;
}

/** How somebody is to be written to: English, and times in UTC, where they have not told. */
export interface Reader {
  /** BCP 47 */
  readonly locale?: string | null;
  /** IANA name */
  readonly timeZone?: string | null;
}

export type Letter = { readonly name: RequestName; readonly link: Link } | { readonly name: NoticeName };

/**
 * A letter in a language. It names nobody: names are chosen by those who register, perhaps with the address of somebody
 * else, who would then be mailed whatever was written there.
 */
export interface NoticeText {
  readonly subject: string;
  readonly paragraphs: readonly string[];
}

export interface RequestText extends NoticeText {
  /** What the link does. */
  readonly action: string;
}

export interface Language {
  /** BCP 47 */
  readonly tag: string;
  readonly greeting: string;
  /** Until when a link is good, and that it works once. */
  linkIsGoodUntil(moment: string): string;
  readonly ending: string;
  readonly requests: Readonly<Record<RequestName, RequestText>>;
  readonly notices: Readonly<Record<NoticeName, NoticeText>>;
}
