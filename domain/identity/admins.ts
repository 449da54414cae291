import { type NamedStream, onStream } from '../decider.js';
import type { DomainEvent } from '../event.js';
import { type Rejection, reject } from '../rejections.js';
import type { CredentialState } from './account/credentials.js';
import {
  AdminGained,
  AdminLost,
  type PlatformSecurityState,
  platformSecurity,
  platformSecurityStream,
} from './platform-security.js';

/**
 * Who can administer the platform: whoever has the role of an admin and an account that is open. An account's own stream
 * knows nothing of the others, so they are listed in that of the platform, to which every command appends that makes one
 * more or one less: of two that would do away with the last two at the same time, one is decided again.
 */

/** The platform's stream, as a command names it beside its primary one. */
export const platform: NamedStream<PlatformSecurityState> = {
  stream: platformSecurityStream,
  aggregate: platformSecurity,
};

type Standing = Pick<CredentialState, 'status' | 'role'>;

/** What the platform's stream is told of an account that becomes another; refused where no admin would be left. */
export function recordAdmin(
  { admins }: PlatformSecurityState,
  personId: string,
  before: Standing,
  after: Standing,
): readonly DomainEvent[] | Rejection {
  const isListed = admins.includes(personId);
  if (isAdmin(after)) return isListed ? [] : [onStream(platform.stream, AdminGained({ personId }))];
  if (!isAdmin(before)) return [];
  if (!admins.some((id) => id !== personId)) return reject('last-admin');
  return isListed ? [onStream(platform.stream, AdminLost({ personId }))] : [];
}

function isAdmin({ status, role }: Standing): boolean {
  return status === 'active' && role === 'admin';
}
