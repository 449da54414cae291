import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import bcrypt from 'bcrypt';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { BcryptThreads } from '../../src/auth/bcrypt-threads.js';
import { givenPassword, newPassword } from '../../src/auth/password-rules.js';
import { importedPasswordHash, Passwords, passwordsAtOnce } from '../../src/auth/passwords.js';
import { BoundedQueue, QueueFull } from '../../src/bounded-queue.js';

const pepper = randomBytes(32);
const passwords = new Passwords(pepper, 4);

describe('a password', () => {
  it.each([
    ['a byte after the 72nd', 'a'.repeat(72), `${'a'.repeat(72)}b`],
    ['what comes after NUL', 'abc\u0000def', 'abc\u0000xyz'],
    ['nothing but NULs', '\u0000', '\u0000\u0000'],
    ['an emoji', '😀 😀 😀', '😀 😀 😁'],
    ['an emoji that crosses the 72nd byte', `${'a'.repeat(70)}😀`, `${'a'.repeat(70)}😁`],
    ['its case', 'correct horse', 'Correct horse'],
    ['a space at its end', 'correct horse', 'correct horse '],
    ['nothing but its length', 'a'.repeat(255), 'a'.repeat(256)],
  ])('differs by %s', async (_what, password, other) => {
    const hash = await passwords.hash(password);
    expect(await passwords.matches(password, hash)).toBe(true);
    expect(await passwords.matches(other, hash)).toBe(false);
  });

  it('is the same however its accents were typed', async () => {
    const hash = await passwords.hash('caf\u00e9 caf\u00e9');
    expect(await passwords.matches('cafe\u0301 cafe\u0301', hash)).toBe(true);
  });

  it('can not be tried out by who has the hashes alone', async () => {
    const hash = await passwords.hash('correct horse');
    expect(await new Passwords(randomBytes(32), 4).matches('correct horse', hash)).toBe(false);
  });

  it('is hashed by bcrypt, at the cost that is set, with a salt of its own', async () => {
    const [first, second] = await Promise.all([passwords.hash('correct horse'), passwords.hash('correct horse')]);
    expect(first).toMatch(/^\$2b\$04\$/);
    expect(first).not.toBe(second);
  });

  it('is compared with something where there is no account, and never matches', async () => {
    expect(await passwords.matches('correct horse', undefined)).toBe(false);
  });
});

describe('a hash that another system made of the password itself', () => {
  // From PHP's documentation of password_verify, and from the test vectors of Openwall's crypt_blowfish.
  const vectors = [
    ['$2y$', 'rasmuslerdorf', '$2y$07$BCryptRequires22Chrcte/VlQH0piJtjXl.0t1XkA8pw9dMXTpOq'],
    ['$2a$', 'U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
    ['$2b$', 'U*U*', '$2b$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK'],
  ] as const;

  it.each(vectors)('is known again once it is marked: %s', async (_version, password, hash) => {
    const imported = importedPasswordHash(hash);
    expect(await passwords.matches(password, imported)).toBe(true);
    expect(await passwords.matches(`${password}x`, imported)).toBe(false);
    expect(passwords.needsRenewal(imported as string)).toBe(true);
  });

  it('is never taken for one of ours, nor one of ours for such a one', async () => {
    const theirs = await bcrypt.hash('correct horse', 4);
    expect(await passwords.matches('correct horse', theirs)).toBe(false);
    const ours = await passwords.hash('correct horse');
    expect(await passwords.matches('correct horse', importedPasswordHash(ours))).toBe(false);
  });

  it('can not be told from the first 72 bytes, until it is renewed', async () => {
    const [password, other] = [`${'a'.repeat(72)}b`, `${'a'.repeat(72)}c`];
    const imported = importedPasswordHash(await bcrypt.hash(password, 4)) as string;
    expect(await passwords.matches(other, imported)).toBe(true);
    const renewed = await passwords.hash(password);
    expect(passwords.needsRenewal(renewed)).toBe(false);
    expect(await passwords.matches(other, renewed)).toBe(false);
  });

  it('is not open to whoever gives a password of 255 bytes, as it is to old libraries', async () => {
    const imported = importedPasswordHash((await bcrypt.hash('a'.repeat(255), 4)).replace('$2b$', '$2a$'));
    expect(await passwords.matches('b'.repeat(255), imported)).toBe(false);
    expect(await passwords.matches('a'.repeat(255), imported)).toBe(true);
  });

  it.each([
    ['nothing', ''],
    ['a password', 'correct horse'],
    ['a hash of another kind', '$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b7dWQ'],
    ['the broken kind of crypt_blowfish', '$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
    ['a hash that is cut off', '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe'],
    ['a hash that would take hours', '$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
    ['a hash that is marked already', '{bcrypt}$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
    ['a hash with a line behind it', '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n'],
  ])('is not %s', (_what, text) => {
    expect(importedPasswordHash(text)).toBeUndefined();
  });
});

describe('the cost of a hash', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('is raised by renewal, not lowered', async () => {
    const [cheap, dear] = [new Passwords(pepper, 4), new Passwords(pepper, 6)];
    const hash = await cheap.hash('correct horse');
    expect(cheap.needsRenewal(hash)).toBe(false);
    expect(dear.needsRenewal(hash)).toBe(true);
    expect(await dear.matches('correct horse', hash)).toBe(true);
    expect(cheap.needsRenewal(await dear.hash('correct horse'))).toBe(false);
  });

  it.each([
    [
      'the right password',
      async () => ['correct horse', await new Passwords(pepper, 8).hash('correct horse')] as const,
    ],
    ['a wrong one', async () => ['wrong horse', await new Passwords(pepper, 8).hash('correct horse')] as const],
    ['no account', async () => ['correct horse', undefined] as const],
    ['a cheaper hash', async () => ['correct horse', await new Passwords(pepper, 5).hash('correct horse')] as const],
    ['an imported hash', async () => ['a', importedPasswordHash(await bcrypt.hash('a', 6))] as const],
    [
      'an imported hash and a wrong password',
      async () => ['b', importedPasswordHash(await bcrypt.hash('a', 4))] as const,
    ],
  ])('is paid in full with every comparison: %s', async (_what, make) => {
    const [password, hash] = await make();
    const compare = vi.spyOn(BcryptThreads.prototype, 'compare');
    await new Passwords(pepper, 8).matches(password, hash);
    const rounds = compare.mock.calls.map(([, compared]) => 2 ** bcrypt.getRounds(compared));
    expect(rounds.reduce((sum, each) => sum + each)).toBe(2 ** 8);
  });
});

describe('a password that is chosen', () => {
  const verdict = (password: string, minLength = 8) =>
    newPassword(minLength)
      .safeParse(password)
      .error?.issues.map(({ message }) => message) ?? [];

  it.each([
    ['of the least length', '12345678'],
    ['of the greatest length', 'a'.repeat(256)],
    ['of 256 emoji', '😀'.repeat(256)],
    ['of spaces', ' '.repeat(8)],
    ['of control characters', '\u0001\u0002\u0003\u0004\u0005\u0006\u0007\t'],
    ['of any script', 'пароль密码كلمة'],
  ])('may be one %s', (_what, password) => {
    expect(verdict(password)).toEqual([]);
    expect(givenPassword.safeParse(password).success).toBe(true);
  });

  it.each([
    ['is too short', '1234567', 'must be at least 8 characters'],
    ['is too short, counted in characters', '😀'.repeat(7), 'must be at least 8 characters'],
    ['is too long', 'a'.repeat(257), 'must be at most 256 characters'],
    ['is much too long', 'a'.repeat(1_000_000), 'must be at most 256 characters'],
    ['holds a NUL', 'correct\u0000horse', 'must be text, without NUL'],
    ['holds half a character', 'correct \ud83d horse', 'must be text, without NUL'],
  ])('is refused where it %s', (_what, password, message) => {
    expect(verdict(password)).toEqual([message]);
  });

  it('is as long as the setting asks for', () => {
    expect(verdict('123456', 6)).toEqual([]);
    expect(verdict('12345678901', 12)).toEqual(['must be at least 12 characters']);
  });

  it('is refused where it is no text', () => {
    for (const value of [undefined, null, 12345678, ['12345678'], { $ne: null }]) {
      expect(newPassword(8).safeParse(value).success).toBe(false);
      expect(givenPassword.safeParse(value).success).toBe(false);
    }
  });
});

describe('hashing', () => {
  it('is done for a few at a time, for whom it leaves a core', async () => {
    let [running, most] = [0, 0];
    const compare = vi.spyOn(BcryptThreads.prototype, 'compare').mockImplementation(async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise(setImmediate);
      running -= 1;
      return false;
    });
    try {
      await Promise.all(Array.from({ length: 8 }, () => passwords.matches('correct horse', undefined)));
    } finally {
      compare.mockRestore();
    }
    expect(most).toBe(passwordsAtOnce);
    expect(passwordsAtOnce).toBeLessThanOrEqual(Math.max(1, availableParallelism() / 2));
  });
});

describe('the queue of what costs much', () => {
  it('runs so many at once, lets so many wait, and turns the rest away', async () => {
    const queue = new BoundedQueue(2, 1);
    const begun: number[] = [];
    const ends: (() => void)[] = [];
    const task = (number: number) =>
      queue.run(() => {
        begun.push(number);
        return new Promise<void>((end) => ends.push(end));
      });
    const running = [task(1), task(2), task(3)];
    await expect(task(4)).rejects.toThrow(QueueFull);
    expect(begun).toEqual([1, 2]);
    ends[0]?.();
    await vi.waitFor(() => expect(begun).toEqual([1, 2, 3]));
    for (const end of ends) end();
    await Promise.all(running);
  });

  it('goes on after a task that failed', async () => {
    const queue = new BoundedQueue(1, 1);
    await expect(queue.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await queue.run(async () => 'yes')).toBe('yes');
  });
});
