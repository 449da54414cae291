import { z } from 'zod';
import { defineEvent, type RecordedOf } from '../../event.js';
import { instant, personId, uuid } from '../../ids.js';
import { type PlatformRole, platformRoles } from '../../permissions.js';

/** How a person proves who they are, and what they are on the platform. */

/** A mailed token is derived from the request's id: nothing like it is stored. */
const mailed = { requestId: uuid, expiresAt: instant };

// Events

export const AccountRegistered = defineEvent({
  type: 'identity.AccountRegistered',
  data: z.strictObject({
    personId,
    email: z.string().nullable(),
    username: z.string().nullable(),
    passwordHash: z.string().nullable(),
  }),
  personal: { email: 'personId', username: 'personId', passwordHash: 'personId' },
  audience: 'nobody',
});

/** Someone wanted to register with the address of this account; its owner is told by mail. */
export const RegistrationAttempted = defineEvent({
  type: 'identity.RegistrationAttempted',
  data: z.strictObject({ personId }),
  audience: 'nobody',
});

/** A mail asks whether the address is the person's: the present one, or the one that they want to change to. */
export const EmailVerificationRequested = defineEvent({
  type: 'identity.EmailVerificationRequested',
  data: z.strictObject({
    personId,
    purpose: z.enum(['verify', 'change']),
    email: z.string().nullable(),
    ...mailed,
  }),
  personal: { email: 'personId' },
  audience: 'nobody',
});

export const EmailVerified = defineEvent({
  type: 'identity.EmailVerified',
  data: z.strictObject({ personId }),
  audience: 'nobody',
});

/** `null`: the account has no address any more. A new one is verified where it was confirmed by mail. */
export const EmailChanged = defineEvent({
  type: 'identity.EmailChanged',
  data: z.strictObject({ personId, email: z.string().nullable(), verified: z.boolean() }),
  personal: { email: 'personId' },
  audience: 'nobody',
});

/** A mail lets the person set a password: because they forgot theirs, or because an admin has made the account. */
export const PasswordResetRequested = defineEvent({
  type: 'identity.PasswordResetRequested',
  data: z.strictObject({ personId, reason: z.enum(['forgotten', 'invitation']), ...mailed }),
  audience: 'nobody',
});

/** `renewed`: the same password, hashed anew as today's settings ask. */
export const PasswordChanged = defineEvent({
  type: 'identity.PasswordChanged',
  data: z.strictObject({
    personId,
    passwordHash: z.string().nullable(),
    how: z.enum(['changed', 'reset', 'set-by-admin', 'renewed']),
  }),
  personal: { passwordHash: 'personId' },
  audience: 'nobody',
});

export const RoleAssigned = defineEvent({
  type: 'identity.RoleAssigned',
  data: z.strictObject({ personId, role: z.enum(platformRoles) }),
  audience: 'nobody',
});

export const AccountDeactivated = defineEvent({
  type: 'identity.AccountDeactivated',
  data: z.strictObject({ personId, reason: z.string().nullable() }),
  personal: { reason: 'personId' },
  audience: 'nobody',
});

export const AccountReactivated = defineEvent({
  type: 'identity.AccountReactivated',
  data: z.strictObject({ personId }),
  audience: 'nobody',
});

/** The account is at its end: its person was forgotten. */
export const AccountForgotten = defineEvent({
  type: 'identity.AccountForgotten',
  data: z.strictObject({ personId }),
  audience: 'nobody',
});

export const credentialEvents = {
  AccountRegistered,
  RegistrationAttempted,
  EmailVerificationRequested,
  EmailVerified,
  EmailChanged,
  PasswordResetRequested,
  PasswordChanged,
  RoleAssigned,
  AccountDeactivated,
  AccountReactivated,
  AccountForgotten,
};
export type CredentialEvent = RecordedOf<typeof credentialEvents>;

// State

/** A mailed token that was not used yet. */
export interface MailedRequest {
  readonly requestId: string;
  /** ms since 1970 */
  readonly expiresAt: number;
  /** Revision of the event that asked for it. */
  readonly revision: number;
}

export type AccountStatus = 'none' | 'active' | 'deactivated' | 'forgotten';

export interface CredentialState {
  status: AccountStatus;
  role: PlatformRole;
  /** Revision of the event that holds the e-mail address, or `null` where there is none. */
  emailRevision?: number;
  emailVerified: boolean;
  /** Revision of the event that holds the password's hash, or `null` where there is none. */
  passwordRevision?: number;
  verification?: MailedRequest & { readonly purpose: 'verify' | 'change' };
  passwordReset?: MailedRequest;
  /** When someone last wanted to register with the account's address, in ms since 1970. */
  registrationAttemptedAt?: number;
}

export const initialCredentials = (): CredentialState => ({ status: 'none', role: 'member', emailVerified: false });

export function evolveCredentials(state: CredentialState, event: CredentialEvent): void {
  const { revision } = event;
  switch (event.type) {
    case 'identity.AccountRegistered':
      state.status = 'active';
      state.emailRevision = revision;
      state.passwordRevision = revision;
      break;
    case 'identity.RegistrationAttempted':
      state.registrationAttemptedAt = Date.parse(event.metadata.occurredAt);
      break;
    case 'identity.EmailVerificationRequested':
      state.verification = { ...mailedRequest(event), purpose: event.data.purpose };
      break;
    case 'identity.EmailVerified':
      state.emailVerified = true;
      delete state.verification;
      break;
    case 'identity.EmailChanged':
      state.emailRevision = revision;
      state.emailVerified = event.data.verified;
      delete state.verification;
      delete state.passwordReset;
      break;
    case 'identity.PasswordResetRequested':
      state.passwordReset = mailedRequest(event);
      break;
    case 'identity.PasswordChanged':
      state.passwordRevision = revision;
      if (event.data.how !== 'renewed') delete state.passwordReset;
      break;
    case 'identity.RoleAssigned':
      state.role = event.data.role;
      break;
    case 'identity.AccountDeactivated':
      state.status = 'deactivated';
      break;
    case 'identity.AccountReactivated':
      state.status = 'active';
      break;
    case 'identity.AccountForgotten':
      state.status = 'forgotten';
      delete state.verification;
      delete state.passwordReset;
      break;
  }
}

interface AsksByMail {
  readonly revision: number;
  readonly data: { readonly requestId: string; readonly expiresAt: string };
}

function mailedRequest({ revision, data: { requestId, expiresAt } }: AsksByMail): MailedRequest {
  return { requestId, expiresAt: Date.parse(expiresAt), revision };
}

/** Whether this request is the last one that was mailed, was not used yet, and is still good. */
export function isCurrent(request: MailedRequest | undefined, requestId: string, now: number): boolean {
  return request !== undefined && request.requestId === requestId && now < request.expiresAt;
}
