import { isIP, SocketAddress } from 'node:net';
import type { Config } from './config.js';

/** What is known of where a request comes from, through the proxies that are trusted to tell. */

/** A request's headers by their names in lower case; one that came several times is joined by commas, in order. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The proxies before this process, by their number: each adds what it knows at the right end of `X-Forwarded-…`. */
export class Proxies {
  readonly #hops: number;
  readonly #tls: Config['tls'];

  constructor({ trustedProxyHops, tls }: Pick<Config, 'trustedProxyHops' | 'tls'>) {
    this.#hops = trustedProxyHops;
    this.#tls = tls;
  }

  /**
   * The address of the client, or of the first hop that is not trusted. An IPv4 address inside an IPv6 one is given as
   * IPv4, an IPv6 address without its zone.
   * @param remote - of the connection
   */
  address(remote: string, headers: RequestHeaders): string {
    let address = remote;
    const told = this.#hops > 0 ? listOf(headers['x-forwarded-for']) : [];
    for (let hop = 1; hop <= this.#hops; hop += 1) {
      const next = withoutPort(told.at(-hop) ?? '');
      if (isIP(next) === 0) break;
      address = next;
    }
    return plainAddress(address);
  }

  /** Whether TLS ends before this process, so that nothing may come without. */
  get mustHaveTls(): boolean {
    return this.#tls === 'proxy';
  }

  /** Whether the client has come over TLS, as the first trusted proxy says; undefined where nobody says so. */
  cameOverTls(headers: RequestHeaders): boolean | undefined {
    const scheme = this.#told(headers['x-forwarded-proto'])?.toLowerCase();
    return scheme === undefined ? undefined : scheme === 'https' || scheme === 'wss';
  }

  /** The origin that pages of our own have, as the client sees it; undefined where the request names no host. */
  ownOrigin(headers: RequestHeaders): string | undefined {
    const host = this.#told(headers['x-forwarded-host']) ?? listOf(headers.host)[0];
    const url = `${this.mustHaveTls ? 'https' : 'http'}://${host}`;
    return host !== undefined && URL.canParse(url) ? new URL(url).origin : undefined;
  }

  /** What the outermost trusted proxy has told; an inner one that found it told may have left it. */
  #told(header: string | readonly string[] | undefined): string | undefined {
    const told = this.#hops > 0 ? listOf(header) : [];
    return told[Math.max(0, told.length - this.#hops)];
  }
}

function listOf(header: string | readonly string[] | undefined): string[] {
  return String(header ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** Some proxies add the client's port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function withoutPort(address: string): string {
  return /^\[(.*)\](?::\d+)?$/.exec(address)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(address)?.[1] ?? address;
}

const mappedPrefix = /^::ffff:(?=\d+\.)/;

/** One spelling for each address. */
function plainAddress(address: string): string {
  if (!address.includes(':')) return address;
  const [unzoned = ''] = address.split('%');
  return new SocketAddress({ address: unzoned, family: 'ipv6' }).address.replace(mappedPrefix, '');
}
