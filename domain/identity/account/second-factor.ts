import { z } from 'zod';
import { defineEvent, type RecordedOf } from '../../event.js';
import { personId } from '../../ids.js';

/** The second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for when it is lost. */

/** SHA-256 of a recovery code, base64url. A code is random and long enough not to be guessed from it. */
const codeHash = z.string().length(43);
const codeHashes = z.array(codeHash).max(20);
/** Number of the 30 seconds since 1970 whose code was given. */
const step = z.number().int().nonnegative();

// Events

/** The person has got a secret for their app, and has to show that it works. */
export const TotpEnrolmentBegun = defineEvent({
  type: 'identity.TotpEnrolmentBegun',
  data: z.strictObject({ personId, secret: z.string().nullable() }),
  personal: { secret: 'personId' },
  audience: 'nobody',
});

export const TotpEnabled = defineEvent({
  type: 'identity.TotpEnabled',
  data: z.strictObject({ personId, step, recoveryCodeHashes: codeHashes }),
  audience: 'nobody',
});

export const TotpDisabled = defineEvent({
  type: 'identity.TotpDisabled',
  data: z.strictObject({ personId }),
  audience: 'nobody',
});

/** A code was given at a login; it is not good a second time. */
export const TotpUsed = defineEvent({
  type: 'identity.TotpUsed',
  data: z.strictObject({ personId, step }),
  audience: 'nobody',
});

export const RecoveryCodesRenewed = defineEvent({
  type: 'identity.RecoveryCodesRenewed',
  data: z.strictObject({ personId, recoveryCodeHashes: codeHashes }),
  audience: 'nobody',
});

export const RecoveryCodeUsed = defineEvent({
  type: 'identity.RecoveryCodeUsed',
  data: z.strictObject({ personId, codeHash }),
  audience: 'nobody',
});

export const secondFactorEvents = {
  TotpEnrolmentBegun,
  TotpEnabled,
  TotpDisabled,
  TotpUsed,
  RecoveryCodesRenewed,
  RecoveryCodeUsed,
};
export type SecondFactorEvent = RecordedOf<typeof secondFactorEvents>;

// State

export interface SecondFactorState {
  /** Revision of the event that holds the secret in use. */
  totpRevision?: number;
  /** Revision of the event that holds a secret that is still to be confirmed. */
  enrolmentRevision?: number;
  /** The last step whose code was given. */
  lastStep: number;
  recoveryCodeHashes: readonly string[];
}

export const initialSecondFactor = (): SecondFactorState => ({ lastStep: -1, recoveryCodeHashes: [] });

export function evolveSecondFactor(state: SecondFactorState, event: SecondFactorEvent): void {
  switch (event.type) {
    case 'identity.TotpEnrolmentBegun':
      state.enrolmentRevision = event.revision;
      break;
    case 'identity.TotpEnabled':
      if (state.enrolmentRevision !== undefined) state.totpRevision = state.enrolmentRevision;
      delete state.enrolmentRevision;
      state.lastStep = event.data.step;
      state.recoveryCodeHashes = event.data.recoveryCodeHashes;
      break;
    case 'identity.TotpDisabled':
      delete state.totpRevision;
      delete state.enrolmentRevision;
      state.recoveryCodeHashes = [];
      break;
    case 'identity.TotpUsed':
      state.lastStep = event.data.step;
      break;
    case 'identity.RecoveryCodesRenewed':
      state.recoveryCodeHashes = event.data.recoveryCodeHashes;
      break;
    case 'identity.RecoveryCodeUsed':
      state.recoveryCodeHashes = state.recoveryCodeHashes.filter((hash) => hash !== event.data.codeHash);
      break;
  }
}
