import { Refused } from '../problems.js';

/** ETag, If-Match and If-None-Match (RFC 9110): an entity tag is a revision in quotes. */

const entityTag = /^(W\/)?"([\x21\x23-\x7e]*)"$/;

export function etagOf(revision: number): string {
  return `"${revision}"`;
}

interface EntityTag {
  readonly weak: boolean;
  readonly opaque: string;
}

/** @throws {Refused} if it is not a list of entity tags */
function parseEntityTags(header: string, name: string): EntityTag[] {
  return header.split(',').map((part) => {
    const match = entityTag.exec(part.trim());
    if (match) return { weak: match[1] !== undefined, opaque: match[2] as string };
    throw new Refused('bad-request', { detail: `${name} must be * or entity tags such as "5".` });
  });
}

/**
 * The revision that the representation must be of; none where anything will do. Of several tags only the newest can
 * match: whoever has seen it knows that the others are past.
 * @throws {Refused} if it is malformed, or no tag of it can match
 */
export function parseIfMatch(header: string | undefined): number | undefined {
  if (header === undefined || header.trim() === '*') return undefined;
  const revisions = parseEntityTags(header, 'If-Match')
    .filter(({ weak, opaque }) => !weak && /^\d{1,15}$/.test(opaque))
    .map(({ opaque }) => Number(opaque));
  if (revisions.length === 0) throw new Refused('stale-version');
  return Math.max(...revisions);
}

/** Whether the caller has the representation already. */
export function matchesNone(header: string | undefined, etag: string): boolean {
  if (header === undefined) return true;
  if (header.trim() === '*') return false;
  return !parseEntityTags(header, 'If-None-Match').some(({ opaque }) => `"${opaque}"` === etag);
}
