import { randomBytes, timingSafeEqual } from 'node:crypto';

/** Names where the client of a forwarded socket calls from, to the edge of the same process. */
const header = 'parley-forwarded-client';

/**
 * How a process's api tells its edge whose socket it forwards. Anyone can send the header to the edge: what it says
 * counts only beside a secret that never leaves the process.
 */
export class ClientForwarding {
  readonly #secret = Buffer.from(randomBytes(32).toString('base64url'));

  /** The header to forward a client's socket with. */
  headerFor(address: string): Readonly<Record<string, string>> {
    return { [header]: `${this.#secret} ${address}` };
  }

  /** @returns where the client calls from; undefined if the request is not one that this process has forwarded */
  addressIn(headers: Readonly<Record<string, string | undefined>>): string | undefined {
    const [told = '', address] = headers[header]?.split(' ') ?? [];
    const secret = Buffer.from(told);
    const isOurs = secret.length === this.#secret.length && timingSafeEqual(secret, this.#secret);
    return isOurs ? address : undefined;
  }
}
