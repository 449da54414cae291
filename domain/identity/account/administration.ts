import { z } from 'zod';
import { defineCommand, systemActor } from '../../decider.js';
import type { RecordedEvent } from '../../event.js';
import { personId } from '../../ids.js';
import { may, platformRoles } from '../../permissions.js';
import { type Rejection, reject } from '../../rejections.js';
import { type AccountState, account } from './account.js';
import { AccountDeactivated, AccountReactivated, RoleAssigned } from './credentials.js';
import { SessionsEnded } from './sessions.js';

/** Commands on what an account may do, and whether it may be used. */

const ofAccount = (input: { personId: string }) => input.personId;
const accountReply = (_events: readonly RecordedEvent[], input: { personId: string }) => ({ id: input.personId });

function refuseUnlessThere({ credentials: { status } }: AccountState): Rejection | undefined {
  return status === 'none' || status === 'forgotten' ? reject('not-found') : undefined;
}

/** Nobody changes their own role: so there is always an admin left. */
export const AssignRole = defineCommand({
  type: 'identity.AssignRole',
  issuer: 'system',
  aggregate: account,
  input: z.strictObject({ personId, role: z.enum(platformRoles) }),
  streamId: ofAccount,
  decide(state, { input, actor }) {
    if (!may(actor, 'roles.assign') || actor.id === input.personId) return reject('forbidden');
    const refusal = refuseUnlessThere(state);
    if (refusal) return refusal;
    return state.credentials.role === input.role ? [] : [RoleAssigned(input)];
  },
  reply: (_events, input) => ({ id: input.personId, role: input.role }),
});

/** Shuts a person out: by themselves, or by who may; their sessions end at once. */
export const DeactivateAccount = defineCommand({
  type: 'identity.DeactivateAccount',
  issuer: 'system',
  aggregate: account,
  input: z.strictObject({ personId, reason: z.string().trim().max(500).optional() }),
  streamId: ofAccount,
  decide(state, { input: { personId, reason }, actor }) {
    if (actor.id !== personId && !may(actor, 'accounts.deactivate')) return reject('forbidden');
    // Whoever may not assign roles does not get rid of those who may.
    if (state.credentials.role === 'admin' && actor.id !== personId && !may(actor, 'roles.assign')) {
      return reject('forbidden');
    }
    const refusal = refuseUnlessThere(state);
    if (refusal) return refusal;
    if (state.credentials.status === 'deactivated') return [];
    return [
      AccountDeactivated({ personId, reason: reason || null }),
      SessionsEnded({ personId, except: null, reason: 'deactivated' }),
    ];
  },
  reply: accountReply,
});

export const ReactivateAccount = defineCommand({
  type: 'identity.ReactivateAccount',
  issuer: 'system',
  aggregate: account,
  input: z.strictObject({ personId }),
  streamId: ofAccount,
  decide(state, { input, actor }) {
    if (actor.id !== systemActor.id && !may(actor, 'accounts.deactivate')) return reject('forbidden');
    const refusal = refuseUnlessThere(state);
    if (refusal) return refusal;
    return state.credentials.status === 'active' ? [] : [AccountReactivated(input)];
  },
  reply: accountReply,
});

export const administrationCommands = [AssignRole, DeactivateAccount, ReactivateAccount] as const;
