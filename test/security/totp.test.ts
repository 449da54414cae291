import { describe, expect, it } from 'vitest';
import { enrolmentUri, matchedStep, newTotpSecret, totpCode } from '../../src/auth/totp.js';

/** `12345678901234567890`, the secret of RFC 6238, appendix B, in base32. */
const secretOfTheRfc = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

/** RFC 6238, appendix B, SHA-1: time in seconds, step, one-time password of 8 digits. */
const vectors: [seconds: number, step: number, code: string][] = [
  [59, 0x1, '94287082'],
  [1_111_111_109, 0x23523ec, '07081804'],
  [1_111_111_111, 0x23523ed, '14050471'],
  [1_234_567_890, 0x273ef07, '89005924'],
  [2_000_000_000, 0x3f940aa, '69279037'],
  [20_000_000_000, 0x27bc86aa, '65353130'],
];

describe('a one-time password', () => {
  it.each(vectors)('is that of RFC 6238 at %i s', (seconds, step, code) => {
    expect(totpCode(secretOfTheRfc, seconds * 1_000, 8)).toBe(code);
    expect(matchedStep(secretOfTheRfc, code, seconds * 1_000, 8)).toBe(step);
    // Six digits are the last six of the same number.
    expect(matchedStep(secretOfTheRfc, code.slice(2), seconds * 1_000)).toBe(step);
  });

  it('is good for its step, the one before and the one after, and tells which step it is of', () => {
    const secret = newTotpSecret();
    const step = 57_000_000;
    const code = totpCode(secret, step * 30_000);
    const at = (seconds: number) => matchedStep(secret, code, step * 30_000 + seconds * 1_000);
    expect([-30, 0, 29, 59].map(at)).toEqual([step, step, step, step]);
    expect([-31, 60].map(at)).toEqual([undefined, undefined]);
  });

  it('may be typed with the space that apps show', () => {
    expect(matchedStep(secretOfTheRfc, '287 082', 59_000)).toBe(1);
  });

  it.each([
    '',
    '28708',
    '0287082',
    '28708O',
    '-28708',
    '2870.2',
    '287082\u0000',
    '２８７０８２',
    '9'.repeat(1_000_000),
  ])('is not %j', (code) => {
    expect(matchedStep(secretOfTheRfc, code.slice(0, 1_000_000), 59_000)).toBeUndefined();
  });

  it("is not another secret's", () => {
    expect(matchedStep(newTotpSecret(), totpCode(newTotpSecret(), 59_000), 59_000)).toBeUndefined();
  });
});

describe('an enrolment', () => {
  it('has a secret of 160 bits of its own', () => {
    expect(newTotpSecret()).toMatch(/^[A-Z2-7]{32}$/);
    expect(newTotpSecret()).not.toBe(newTotpSecret());
  });

  it('is told to the app as a URI that names issuer, account and secret', () => {
    const uri = new URL(enrolmentUri(secretOfTheRfc, { issuer: 'Parley & Co', account: 'ann@example.org' }));
    expect(uri.protocol).toBe('otpauth:');
    expect(uri.host).toBe('totp');
    expect(decodeURIComponent(uri.pathname)).toBe('/Parley & Co:ann@example.org');
    expect(Object.fromEntries(uri.searchParams)).toEqual({
      issuer: 'Parley & Co',
      secret: secretOfTheRfc,
      algorithm: 'SHA1',
      digits: '6',
      period: '30',
    });
  });
});
