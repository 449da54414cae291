import { z } from 'zod';
import { defineCommand } from '../../decider.js';
import type { RecordedEvent } from '../../event.js';
import { personId, revision } from '../../ids.js';
import { may } from '../../permissions.js';
import { reject } from '../../rejections.js';
import { account } from './account.js';
import { refuseUnproved, shownPassword } from './credential-commands.js';
import { RecoveryCodesRenewed, TotpDisabled, TotpEnabled, TotpEnrolmentBegun } from './second-factor.js';

/** Commands that set up a second factor. Issued by `src/auth`, which has checked codes and passwords. */

const ofAccount = (input: { personId: string }) => input.personId;
const accountReply = (_events: readonly RecordedEvent[], input: { personId: string }) => ({ id: input.personId });
const recoveryCodeHashes = z.array(z.string()).min(1).max(20);

/** Who has found an open browser must not be able to have logging in ask for codes of their own app. */
export const BeginTotpEnrolment = defineCommand({
  type: 'identity.BeginTotpEnrolment',
  issuer: 'system',
  aggregate: account,
  input: z.strictObject({ personId, secret: z.string(), passwordRevision: shownPassword }),
  streamId: ofAccount,
  decide(state, { input: { passwordRevision, ...begun }, actor }) {
    const { credentials, secondFactor } = state;
    if (actor.id !== begun.personId) return reject('forbidden');
    if (credentials.status !== 'active') return reject('account-deactivated');
    const refusal = refuseUnproved(state, actor, begun.personId, passwordRevision);
    if (refusal) return refusal;
    if (secondFactor.totpRevision !== undefined) return reject('already-exists');
    return [TotpEnrolmentBegun(begun)];
  },
  reply: accountReply,
});

/** The person has shown a code of their app. */
export const EnableTotp = defineCommand({
  type: 'identity.EnableTotp',
  issuer: 'system',
  aggregate: account,
  input: z.strictObject({
    personId,
    /** The event that holds the secret that the code was compared with. */
    enrolmentRevision: revision,
    step: z.number().int().nonnegative(),
    recoveryCodeHashes,
  }),
  streamId: ofAccount,
  decide({ secondFactor }, { input: { enrolmentRevision, ...enabled }, actor }) {
    if (actor.id !== enabled.personId) return reject('forbidden');
    if (secondFactor.totpRevision !== undefined) return reject('already-exists');
    if (secondFactor.enrolmentRevision !== enrolmentRevision) return reject('not-found');
    return [TotpEnabled(enabled)];
  },
  reply: accountReply,
});

/** By the person, or by an admin for someone who has lost both app and recovery codes. */
export const DisableTotp = defineCommand({
  type: 'identity.DisableTotp',
  issuer: 'system',
  aggregate: account,
  input: z.strictObject({ personId }),
  streamId: ofAccount,
  decide({ secondFactor }, { input, actor }) {
    if (actor.id !== input.personId && !may(actor, 'accounts.change')) return reject('forbidden');
    if (secondFactor.totpRevision === undefined && secondFactor.enrolmentRevision === undefined) return [];
    return [TotpDisabled(input)];
  },
  reply: accountReply,
});

export const RenewRecoveryCodes = defineCommand({
  type: 'identity.RenewRecoveryCodes',
  issuer: 'system',
  aggregate: account,
  input: z.strictObject({ personId, recoveryCodeHashes }),
  streamId: ofAccount,
  decide({ secondFactor }, { input, actor }) {
    if (actor.id !== input.personId) return reject('forbidden');
    if (secondFactor.totpRevision === undefined) return reject('not-found');
    return [RecoveryCodesRenewed(input)];
  },
  reply: accountReply,
});

export const secondFactorCommands = [BeginTotpEnrolment, EnableTotp, DisableTotp, RenewRecoveryCodes] as const;
