import { createHmac } from 'node:crypto';
import { derivedUuid } from '../../commands/command-id.js';

/** The lower case of RFC 1459, in which `{}|^` are the small letters of `[]\~`. */
export function foldNickname(nickname: string): string {
  return nickname.replace(/[A-Z[\]\\~]/g, (letter) =>
    letter === '~' ? '^' : String.fromCharCode(letter.charCodeAt(0) + 32),
  );
}

/**
 * The id of the person behind a nickname: a person of an import is a nickname, case-folded. Made under a secret key, so
 * that whoever knows the nickname can't find what is left of a person who was forgotten.
 */
export function personOfNickname(nickname: string, key: Buffer): string {
  const digest = createHmac('sha256', key)
    .update(`irc:${foldNickname(nickname)}`)
    .digest('base64url');
  return derivedUuid('irc', digest);
}
