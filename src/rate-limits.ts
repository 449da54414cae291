/** How far somebody is from a limit. */
export interface Standing {
  /** Name of the limit: a token of RFC 9110. */
  readonly policy: string;
  /** What may be done within a window. */
  readonly quota: number;
  readonly windowSeconds: number;
  /** What of it may still be done. */
  readonly remaining: number;
  /** Seconds until more may be done. */
  readonly resetSeconds: number;
}

/** More was asked for than a limit allows; nothing was done. */
export class RateLimited extends Error {
  /** @param standings - those of the limits asked, the one that refuses among them */
  constructor(readonly standings: readonly Standing[]) {
    super(`over the limit: ${standings.map(({ policy }) => policy).join(', ')}`);
  }

  /** Seconds after which it may be tried again. */
  get retryAfter(): number {
    const over = this.standings.filter(({ remaining }) => remaining === 0);
    return Math.max(1, ...over.map(({ resetSeconds }) => resetSeconds));
  }
}

/** Headers that rate-limited answers have, in lower case, for pages of other origins to be let read. */
export const rateLimitHeaderNames = [
  'ratelimit-policy',
  'ratelimit',
  'ratelimit-limit',
  'ratelimit-remaining',
  'ratelimit-reset',
] as const;

/**
 * Tells a client how far it is from its limits: as draft-ietf-httpapi-ratelimit-headers-10 has it (`RateLimit-Policy`,
 * `RateLimit`), and for the limit that is nearest as drafts until -06 had it, which most clients read.
 */
export function rateLimitHeaders(
  standings: readonly Standing[],
): Record<(typeof rateLimitHeaderNames)[number], string> {
  const nearest = standings.reduce((one, other) => (other.remaining < one.remaining ? other : one));
  return {
    'ratelimit-policy': standings
      .map(({ policy, quota, windowSeconds }) => `"${policy}";q=${quota};w=${windowSeconds}`)
      .join(', '),
    ratelimit: standings
      .map(({ policy, remaining, resetSeconds }) => `"${policy}";r=${remaining};t=${resetSeconds}`)
      .join(', '),
    'ratelimit-limit': String(nearest.quota),
    'ratelimit-remaining': String(nearest.remaining),
    'ratelimit-reset': String(nearest.resetSeconds),
  };
}
