import { z } from 'zod';
import { defineCommand, systemActor } from '../../decider.js';
import type { RecordedEvent } from '../../event.js';
import { personId } from '../../ids.js';
import { may, platformRoles } from '../../permissions.js';
import { Rejection, reject } from '../../rejections.js';
import { platform, recordAdmin } from '../admins.js';
import type { PlatformSecurityState } from '../platform-security.js';
import { type AccountState, account } from './account.js';
import { AccountDeactivated, AccountReactivated, RoleAssigned } from './credentials.js';
import { SessionsEnded } from './sessions.js';

/** Commands on what an account may do, and whether it may be used. */

const ofAccount = (input: { personId: string }) => input.personId;
const accountReply = (_events: readonly RecordedEvent[], input: { personId: string }) => ({ id: input.personId });

/** By which it is known who else is an admin. */
const ofPlatform = () => ({ platform });
type OfPlatform = { readonly platform: PlatformSecurityState };

function refuseUnlessThere({ credentials: { status } }: AccountState): Rejection | undefined {
  return status === 'none' || status === 'forgotten' ? reject('not-found') : undefined;
}

/** Nobody changes their own role, and the last admin's stays: so there is always one left. */
export const AssignRole = defineCommand({
  type: 'identity.AssignRole',
  issuer: 'system',
  aggregate: account,
  input: z.strictObject({ personId, role: z.enum(platformRoles) }),
  streamId: ofAccount,
  others: ofPlatform,
  decide(state, { input, actor }, { platform }: OfPlatform) {
    if (!may(actor, 'roles.assign') || actor.id === input.personId) return reject('forbidden');
    const refusal = refuseUnlessThere(state);
    if (refusal) return refusal;
    const { personId, role } = input;
    const { credentials } = state;
    const recorded = recordAdmin(platform, personId, credentials, { ...credentials, role });
    if (recorded instanceof Rejection) return recorded;
    return credentials.role === role && recorded.length === 0 ? [] : [RoleAssigned(input), ...recorded];
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
  others: ofPlatform,
  decide(state, { input: { personId, reason }, actor }, { platform }: OfPlatform) {
    if (actor.id !== personId && !may(actor, 'accounts.deactivate')) return reject('forbidden');
    // Whoever may not assign roles does not get rid of those who may.
    if (state.credentials.role === 'admin' && actor.id !== personId && !may(actor, 'roles.assign')) {
      return reject('forbidden');
    }
    const refusal = refuseUnlessThere(state);
    if (refusal) return refusal;
    const { credentials } = state;
    if (credentials.status === 'deactivated') return [];
    const recorded = recordAdmin(platform, personId, credentials, { ...credentials, status: 'deactivated' });
    if (recorded instanceof Rejection) return recorded;
    return [
      AccountDeactivated({ personId, reason: reason || null }),
      SessionsEnded({ personId, except: null, reason: 'deactivated' }),
      ...recorded,
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
  others: ofPlatform,
  decide(state, { input, actor }, { platform }: OfPlatform) {
    if (actor.id !== systemActor.id && !may(actor, 'accounts.deactivate')) return reject('forbidden');
    const refusal = refuseUnlessThere(state);
    if (refusal) return refusal;
    const { credentials } = state;
    if (credentials.status === 'active') return [];
    const recorded = recordAdmin(platform, input.personId, credentials, { ...credentials, status: 'active' });
    return recorded instanceof Rejection ? recorded : [AccountReactivated(input), ...recorded];
  },
  reply: accountReply,
});

export const administrationCommands = [AssignRole, DeactivateAccount, ReactivateAccount] as const;
