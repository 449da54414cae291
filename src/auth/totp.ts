import { Secret, TOTP } from 'otpauth';

/** One-time passwords of an authenticator app (RFC 6238), with the parameters that every app knows. */

const algorithm = 'SHA1';
const digits = 6;
const periodSeconds = 30;
/** The step before and the one after count as well: for clocks that differ, and for slow fingers. */
const window = 1;
/** As long as the hash's output, as RFC 4226, section 4, recommends. */
const secretBytes = 20;

/** A new secret, in base32 (RFC 4648) as people may type it into their app. */
export function newTotpSecret(): string {
  return new Secret({ size: secretBytes }).base32;
}

/**
 * What an authenticator app scans to be enrolled: an `otpauth:` URI.
 * @param issuer - who asks for the codes, as the app shows it
 * @param account - whose they are, as the app shows it
 */
export function enrolmentUri(secret: string, { issuer, account }: { issuer: string; account: string }): string {
  return new TOTP({ secret, issuer, label: account, algorithm, digits, period: periodSeconds }).toString();
}

/** The one-time password of a moment. @param now - in ms since 1970 */
export function totpCode(secret: string, now: number, length = digits): string {
  return new TOTP({ secret, algorithm, digits: length, period: periodSeconds }).generate({ timestamp: now });
}

/**
 * The time step that a code belongs to: of those, whoever decides refuses a step that is not after the last one used
 * (RFC 6238, section 5.2).
 * @param code - spaces within are passed over, since apps show some
 * @param now - in ms since 1970
 * @returns undefined if the code is wrong
 */
export function matchedStep(secret: string, code: string, now: number, length = digits): number | undefined {
  const token = code.replaceAll(' ', '');
  if (token.length !== length || /\D/.test(token)) return undefined;
  const totp = new TOTP({ secret, algorithm, digits: length, period: periodSeconds });
  const away = totp.validate({ token, timestamp: now, window });
  return away === null ? undefined : totp.counter({ timestamp: now }) + away;
}
