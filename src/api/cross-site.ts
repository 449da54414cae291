import type { FastifyRequest } from 'fastify';
import { Refused } from '../problems.js';

/** Methods that change nothing (RFC 9110, 9.2.1). */
const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
/** What `Sec-Fetch-Site` says of requests of our own pages, and of those that no page has caused. */
const ownSites: readonly (string | undefined)[] = ['same-origin', 'none', undefined];

/** Whose pages may have browsers ask us for something in the name of who uses them. */
export interface TrustedOrigins {
  /** The origin that our own pages have; undefined where the request does not say where it was sent. */
  own(request: FastifyRequest): string | undefined;
  /** Whether pages of this other origin may. */
  mayCall(origin: string): boolean;
}

/**
 * Refuses what a page of another origin has a browser send along with a cookie, by `Sec-Fetch-Site` (Fetch Metadata) and
 * `Origin` (RFC 6454). Both are written by browsers alone: who sends neither is none.
 * @throws {Refused}
 */
export function refuseCrossSite(request: FastifyRequest, trusted: TrustedOrigins): void {
  if (safeMethods.has(request.method)) return;
  const { origin, 'sec-fetch-site': site } = request.headers;
  if (origin !== undefined && trusted.mayCall(origin)) return;
  const isOwn =
    ownSites.includes(site as string | undefined) && (origin === undefined || origin === trusted.own(request));
  if (!isOwn) throw new Refused('cross-site-request');
}
