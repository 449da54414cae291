import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * Codes that stand in for a lost authenticator, each once. They hold 80 random bits: too many to be found by trying, so
 * that a plain SHA-256 keeps them, where a password needs a slow hash and a salt.
 */

const count = 10;
const codeBytes = 10;
/** Crockford's base 32: no two of its letters look alike. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const groupLength = 4;
/** A code as long as it may be typed, with something between all of its letters. */
const maxTypedLength = 64;

export interface RecoveryCodes {
  /** To be shown once: `XXXX-XXXX-XXXX-XXXX`. */
  readonly codes: readonly string[];
  /** To be kept, in the same order. */
  readonly hashes: readonly string[];
}

export function newRecoveryCodes(): RecoveryCodes {
  const codes = Array.from({ length: count }, () => grouped(inBase32(randomBytes(codeBytes))));
  return { codes, hashes: codes.map((code) => hashOf(code)) };
}

/**
 * Which of the hashes the code is of, however it was typed: in small letters, without dashes, with an O for a zero.
 * Takes as long whichever it is.
 * @returns undefined if it is none of them
 */
export function matchedRecoveryCode(code: string, hashes: readonly string[]): string | undefined {
  if (code.length > maxTypedLength) return undefined;
  const given = Buffer.from(hashOf(code));
  let matched: string | undefined;
  for (const hash of hashes) {
    const kept = Buffer.from(hash);
    if (kept.length === given.length && timingSafeEqual(kept, given)) matched = hash;
  }
  return matched;
}

function hashOf(code: string): string {
  return createHash('sha256').update(asWritten(code)).digest('base64url');
}

/** What a typed code was read from, as Crockford has it. */
function asWritten(code: string): string {
  return code.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');
}

/** Five bits a letter: `codeBytes` is a multiple of five, so that none is left over. */
function inBase32(bytes: Buffer): string {
  let number = BigInt(`0x${bytes.toString('hex')}`);
  let text = '';
  for (let left = (bytes.length * 8) / 5; left > 0; left -= 1) {
    text = alphabet.charAt(Number(number & 31n)) + text;
    number >>= 5n;
  }
  return text;
}

function grouped(text: string): string {
  return (text.match(new RegExp(`.{${groupLength}}`, 'g')) as string[]).join('-');
}
