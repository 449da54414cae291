import { describe, expect, it } from 'vitest';
import { matchedRecoveryCode, newRecoveryCodes } from '../../src/auth/recovery-codes.js';

describe('recovery codes', () => {
  const { codes, hashes } = newRecoveryCodes();

  it('are ten, in groups of letters and digits that do not look alike', () => {
    expect(new Set([...codes, ...newRecoveryCodes().codes]).size).toBe(20);
    for (const code of codes) expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
  });

  it('are kept as hashes that do not tell them', () => {
    for (const hash of hashes) expect(hash).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(hashes.join()).not.toContain(codes[0]);
  });

  it.each([
    ['as it was shown', (code: string) => code],
    ['in small letters', (code: string) => code.toLowerCase()],
    ['without dashes', (code: string) => code.replaceAll('-', '')],
    ['with spaces', (code: string) => ` ${code.replaceAll('-', ' ')} `],
    ['with letters for digits', (code: string) => code.replaceAll('0', 'o').replaceAll('1', 'l')],
  ])('are known again: %s', (_how, type) => {
    expect(codes.map((code) => matchedRecoveryCode(type(code), hashes))).toEqual(hashes);
  });

  it.each([
    ['nothing', ''],
    ['a code of another', newRecoveryCodes().codes[0] as string],
    ['a code with a letter too many', `${codes[0]}A`],
    ['a code without its last letter', (codes[0] as string).slice(0, -1)],
    ['a hash', hashes[0] as string],
    ['a million letters', 'A'.repeat(1_000_000)],
  ])('are not %s', (_what, code) => {
    expect(matchedRecoveryCode(code, hashes)).toBeUndefined();
  });

  it('match nothing where all have been used', () => {
    expect(matchedRecoveryCode(codes[0] as string, [])).toBeUndefined();
  });
});
