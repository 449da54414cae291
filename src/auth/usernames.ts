import { randomInt } from 'node:crypto';

const maxBaseLength = 40;

/** User names to try, in this order, for someone who has asked for none: after their name, else their e-mail address. */
export function proposeUsernames(name: string, email: string): string[] {
  const base = usernameOf(name) || usernameOf(email.split('@', 1)[0] ?? '') || 'user';
  return [base, withDigits(base, 4), withDigits(base, 8)];
}

function usernameOf(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '.')
    .slice(0, maxBaseLength)
    .replace(/^\.+|\.+$/g, '');
}

function withDigits(base: string, count: number): string {
  return base + String(randomInt(10 ** count)).padStart(count, '0');
}
