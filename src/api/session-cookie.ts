import { parseCookie, stringifySetCookie } from 'cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config.js';

const name = 'parley_session';
/** Seconds: 7 d, as long as a session of a browser lasts. */
const maxAge = 7 * 24 * 60 * 60;

/** Sets the session's cookie with the answer that is being made, or has the browser forget it. */
export interface CookieOfAnswer {
  set(value: string): void;
  clear(): void;
}

/** Of routes that are not declared to set the cookie, and so are not guarded as those must be. */
export const noCookie: CookieOfAnswer = { set: refuseUndeclared, clear: refuseUndeclared };

function refuseUndeclared(): never {
  throw new Error("only a route with `setsCookie` may set the session's cookie");
}

/**
 * The cookie that holds a browser's session (RFC 6265bis): unreadable to scripts, for this host alone, and where it is
 * only sent over TLS with a name that no other host or plain connection can have set it under.
 */
export class SessionCookie {
  readonly #name: string;
  readonly #attributes;

  constructor({ sameSite, secure }: Config['cookie']) {
    this.#name = secure ? `__Host-${name}` : name;
    this.#attributes = { httpOnly: true, path: '/', sameSite, secure };
  }

  /** @returns its value, where the request has one */
  read({ headers }: FastifyRequest): string | undefined {
    return headers.cookie === undefined ? undefined : parseCookie(headers.cookie)[this.#name] || undefined;
  }

  on(reply: FastifyReply): CookieOfAnswer {
    const send = (value: string, maxAge: number) => {
      reply.header('set-cookie', stringifySetCookie(this.#name, value, { ...this.#attributes, maxAge }));
    };
    return { set: (value) => send(value, maxAge), clear: () => send('', 0) };
  }
}
