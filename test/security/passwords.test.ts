import { randomBytes } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { Passwords } from '../../src/auth/passwords.js';
import { BoundedQueue, QueueFull } from '../../src/bounded-queue.js';

const pepper = randomBytes(32);
const passwords = new Passwords(pepper, 4);

describe('a password', () => {
  it.each([
    ['a byte after the 72nd', 'a'.repeat(72), `${'a'.repeat(72)}b`],
    ['what comes after NUL', 'abc\u0000def', 'abc\u0000xyz'],
    ['an emoji', '😀 😀 😀', '😀 😀 😁'],
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
