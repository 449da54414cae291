import { z } from 'zod';
import { defineAggregate, defineCommand, systemActor } from '../decider.js';
import { defineEvent, type RecordedOf } from '../event.js';
import { personId, streamName, uuid } from '../ids.js';
import { may } from '../permissions.js';
import { reject } from '../rejections.js';

/**
 * What guards the whole platform: from where it may be reached, which keys sign access tokens, when all sessions were
 * ended, whose keys are to be destroyed, and who can administer it. One stream, which every process follows.
 */

/** The one stream's id. */
export const platformSecurityId = 'security';

const ruleId = uuid;
const cidr = z.union([z.cidrv4(), z.cidrv6()], 'must be a range of addresses such as 192.0.2.0/24 or 2001:db8::/32');
const action = z.enum(['allow', 'deny']);

// Events

export const AddressRuleAdded = defineEvent({
  type: 'identity.AddressRuleAdded',
  data: z.strictObject({ ruleId, cidr: z.string(), action, note: z.string().nullable() }),
  audience: 'nobody',
});

export const AddressRuleRemoved = defineEvent({
  type: 'identity.AddressRuleRemoved',
  data: z.strictObject({ ruleId }),
  audience: 'nobody',
});

/** A key that access tokens are signed with from now on; its secret is in the key store. */
export const SigningKeyIntroduced = defineEvent({
  type: 'identity.SigningKeyIntroduced',
  data: z.strictObject({ kid: uuid }),
  audience: 'nobody',
});

/** Every session that began before is over. */
export const AllSessionsRevoked = defineEvent({
  type: 'identity.AllSessionsRevoked',
  data: z.strictObject({}),
  audience: 'nobody',
});

/** The receipt of a forgetting: the person's key is to be destroyed, and again if a restored key store brings it back. */
export const KeyDestructionOrdered = defineEvent({
  type: 'identity.KeyDestructionOrdered',
  data: z.strictObject({ personId }),
  audience: 'nobody',
});

/** There is an admin more: appointed, or with an account that is open again. */
export const AdminGained = defineEvent({
  type: 'identity.AdminGained',
  data: z.strictObject({ personId }),
  audience: 'nobody',
});

/** There is an admin less: with another role now, shut out, or forgotten. */
export const AdminLost = defineEvent({
  type: 'identity.AdminLost',
  data: z.strictObject({ personId }),
  audience: 'nobody',
});

export const platformSecurityEvents = {
  AddressRuleAdded,
  AddressRuleRemoved,
  SigningKeyIntroduced,
  AllSessionsRevoked,
  KeyDestructionOrdered,
  AdminGained,
  AdminLost,
};
export type PlatformSecurityEvent = RecordedOf<typeof platformSecurityEvents>;

// State

export interface AddressRule {
  readonly id: string;
  readonly cidr: string;
  readonly action: z.infer<typeof action>;
  readonly note: string | null;
  /** ISO 8601 */
  readonly addedAt: string;
}

export interface SigningKey {
  readonly kid: string;
  /** ms since 1970 */
  readonly introducedAt: number;
}

export interface PlatformSecurityState {
  addressRules: AddressRule[];
  /** Oldest first. */
  signingKeys: SigningKey[];
  /** Sessions that began at or before this are over; in ms since 1970. */
  sessionsRevokedAt: number;
  /** Everybody whose key is to be destroyed, in the order of their receipts. */
  forgotten: string[];
  /** Who can administer the platform; those who became admins before it was recorded here are missing. */
  admins: string[];
  changedAt: number;
}

export const platformSecurity = defineAggregate<PlatformSecurityState>({
  category: 'platform',
  version: 3,
  initialState: () => ({
    addressRules: [],
    signingKeys: [],
    sessionsRevokedAt: 0,
    forgotten: [],
    admins: [],
    changedAt: -1,
  }),
  changedAt: (state) => state.changedAt,
  evolve(state: PlatformSecurityState, event: PlatformSecurityEvent): PlatformSecurityState {
    state.changedAt = event.revision;
    const at = event.metadata.occurredAt;
    switch (event.type) {
      case 'identity.AddressRuleAdded': {
        const { ruleId, cidr, action, note } = event.data;
        state.addressRules.push({ id: ruleId, cidr, action, note, addedAt: at });
        break;
      }
      case 'identity.AddressRuleRemoved':
        state.addressRules = state.addressRules.filter(({ id }) => id !== event.data.ruleId);
        break;
      case 'identity.SigningKeyIntroduced':
        state.signingKeys.push({ kid: event.data.kid, introducedAt: Date.parse(at) });
        break;
      case 'identity.AllSessionsRevoked':
        state.sessionsRevokedAt = Date.parse(at);
        break;
      case 'identity.KeyDestructionOrdered':
        state.forgotten.push(event.data.personId);
        break;
      case 'identity.AdminGained':
        state.admins.push(event.data.personId);
        break;
      case 'identity.AdminLost':
        state.admins = state.admins.filter((id) => id !== event.data.personId);
        break;
    }
    return state;
  },
});

/** The one stream. */
export const platformSecurityStream = streamName(platformSecurity.category, platformSecurityId);

// Commands

const thePlatform = () => platformSecurityId;
const mostRules = 1_000;

/** What is said of a rule by whoever makes it. */
export const addressRuleFields = { cidr, action, note: z.string().trim().max(200).optional() };

/** Allows or denies a range of addresses. Where there are rules that allow, only what they name gets in. */
export const AddAddressRule = defineCommand({
  type: 'identity.AddAddressRule',
  issuer: 'system',
  aggregate: platformSecurity,
  input: z.strictObject({
    ...addressRuleFields,
    /** Whether the rule would keep its own author out, as the route has found. */
    locksOutCaller: z.boolean().default(false),
  }),
  streamId: thePlatform,
  decide({ addressRules }, { input: { cidr, action, note, locksOutCaller }, actor, newId }) {
    if (!may(actor, 'addresses.rule')) return reject('forbidden');
    if (locksOutCaller) return reject('locks-out-caller', undefined, 'cidr');
    if (addressRules.some((rule) => rule.cidr === cidr && rule.action === action)) return reject('already-exists');
    if (addressRules.length >= mostRules) return reject('too-many', `There can be at most ${mostRules} rules.`);
    return [AddressRuleAdded({ ruleId: newId, cidr, action, note: note || null })];
  },
  reply(events) {
    const { ruleId, ...rule } = (events[0] as PlatformSecurityEvent & { type: 'identity.AddressRuleAdded' }).data;
    return { id: ruleId, ...rule };
  },
});

export const RemoveAddressRule = defineCommand({
  type: 'identity.RemoveAddressRule',
  issuer: 'system',
  aggregate: platformSecurity,
  input: z.strictObject({
    ruleId,
    /** Whether those that remain would keep the caller out, as the route has found. */
    locksOutCaller: z.boolean().default(false),
  }),
  streamId: thePlatform,
  decide({ addressRules }, { input: { ruleId, locksOutCaller }, actor }) {
    if (!may(actor, 'addresses.rule')) return reject('forbidden');
    if (!addressRules.some(({ id }) => id === ruleId)) return reject('not-found');
    return locksOutCaller ? reject('locks-out-caller') : [AddressRuleRemoved({ ruleId })];
  },
  reply: (_events, input) => ({ id: input.ruleId }),
});

/** Introduces a key to sign with, unless another process has just done so. */
export const IntroduceSigningKey = defineCommand({
  type: 'identity.IntroduceSigningKey',
  issuer: 'system',
  aggregate: platformSecurity,
  input: z.strictObject({
    kid: uuid,
    /** The newest key that the caller knows of; `null` for none. */
    after: uuid.nullable(),
  }),
  streamId: thePlatform,
  decide({ signingKeys }, { input: { kid, after }, actor }) {
    if (actor.id !== systemActor.id) return reject('forbidden');
    return (signingKeys.at(-1)?.kid ?? null) === after ? [SigningKeyIntroduced({ kid })] : [];
  },
  reply: (_events, input) => ({ id: input.kid }),
});

export const RevokeAllSessions = defineCommand({
  type: 'identity.RevokeAllSessions',
  issuer: 'system',
  aggregate: platformSecurity,
  input: z.strictObject({}),
  streamId: thePlatform,
  decide: (_state, { actor }) => (actor.id === systemActor.id ? [AllSessionsRevoked({})] : reject('forbidden')),
  reply: () => ({ id: platformSecurityId }),
});

export const platformSecurityCommands = [
  AddAddressRule,
  RemoveAddressRule,
  IntroduceSigningKey,
  RevokeAllSessions,
] as const;
