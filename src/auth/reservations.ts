import { createHmac } from 'node:crypto';
import { networkOf } from './network.js';

/** A unique value and the id of the stream that reserves it. */
export interface Reserved {
  readonly value: string;
  readonly reservation: string;
}

/**
 * Names streams by values that must not be told: each by its HMAC-SHA256 under a key that is never rotated, in hex.
 * Values that differ only in their case, or in how Unicode writes them, are the same.
 */
export class Reservations {
  constructor(private readonly key: Buffer) {}

  email(address: string): Reserved {
    const value = fold(address);
    return { value, reservation: this.#hmac('email', value) };
  }

  username(name: string): Reserved {
    return { value: name.trim(), reservation: this.#hmac('username', fold(name)) };
  }

  /** Of an e-mail address or a user name, as someone logs in with. */
  login(login: string): { readonly kind: 'email' | 'username'; readonly reservation: string } {
    if (login.includes('@')) return { kind: 'email', reservation: this.email(login).reservation };
    return { kind: 'username', reservation: this.username(login).reservation };
  }

  /** Names the count of wrong logins of an account, or of a login that nobody has. */
  triesAt(account: string): string {
    return this.#hmac('tries-at', account);
  }

  /** Names the count of wrong logins from an address, and from those that anyone who has it can take as well. */
  triesFrom(address: string): string {
    return this.#hmac('tries-from', networkOf(address));
  }

  #hmac(kind: string, value: string): string {
    return createHmac('sha256', this.key).update(`${kind}:${value}`).digest('hex');
  }
}

function fold(value: string): string {
  return value.trim().normalize('NFKC').toLowerCase();
}
