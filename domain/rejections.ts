/**
 * Every reason for which a command can be refused by the rules of a context.
 * The list is closed: what a code means to HTTP and WebSocket callers is told once, in `src/problems.ts`.
 */
export const rejectionCodes = [
  'not-found',
  'forbidden',
  'not-a-member',
  'already-exists',
  'email-taken',
  'username-taken',
  'stale-version',
  'start-not-in-future',
  'end-not-after-start',
  'channel-private',
  'last-owner',
  'last-admin',
  'too-many',
  'account-deactivated',
  'email-not-verified',
  'token-not-valid',
  'session-ended',
  'second-factor-required',
  'wrong-code',
  'locks-out-caller',
] as const;

export type RejectionCode = (typeof rejectionCodes)[number];

/** A command refused by a rule; nothing was written. */
export class Rejection {
  constructor(
    readonly code: RejectionCode,
    /** What the caller should know beyond the code's own title. */
    readonly detail?: string,
    /** The input's field at fault, where one is. */
    readonly field?: string,
  ) {}
}

export function reject(code: RejectionCode, detail?: string, field?: string): Rejection {
  return new Rejection(code, detail, field);
}
