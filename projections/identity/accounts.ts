import {
  AccountDeactivated,
  AccountForgotten,
  AccountReactivated,
  AccountRegistered,
  type AccountStatus,
  EmailChanged,
  EmailVerified,
  PasswordChanged,
  RoleAssigned,
} from '../../domain/identity/account/credentials.js';
import { TotpDisabled, TotpEnabled } from '../../domain/identity/account/second-factor.js';
import type { PlatformRole } from '../../domain/permissions.js';
import { type Collection, changes, creates } from '../projection.js';

/** What a person sees of their account, and who may read accounts. */
export interface Account {
  email: string | null;
  emailVerified: boolean;
  role: PlatformRole;
  status: Exclude<AccountStatus, 'none'>;
  /** Why it was deactivated, where a reason was given and it still is. */
  deactivationReason: string | null;
  hasPassword: boolean;
  /** Whether a login takes a code, too. */
  secondFactor: boolean;
  /** ISO 8601 in UTC */
  registeredAt: string;
  /** Revision of the last event that changed any of this. */
  changedAt: number;
}

const ofPerson = ({ data }: { data: { personId: string } }) => data.personId;

interface Change<Data> {
  readonly data: Data;
  readonly revision: number;
}

/** Changes the fields that `changed` names. */
function sets<Data>(changed: (data: Data) => Partial<Account>) {
  return (account: Account, { data, revision }: Change<Data>): Account =>
    Object.assign(account, changed(data), { changedAt: revision });
}

/** By person id; listed in the order of registration. */
export const accounts: Collection<Account> = {
  name: 'accounts',
  indexes: [['registeredAt'], ['status', 'registeredAt'], ['role', 'registeredAt'], ['role', 'status', 'registeredAt']],
  folds: new Map([
    creates(
      AccountRegistered,
      ofPerson,
      ({ data: { email, passwordHash }, revision, metadata }): Account => ({
        email,
        emailVerified: false,
        role: 'member',
        status: 'active',
        deactivationReason: null,
        hasPassword: passwordHash !== null,
        secondFactor: false,
        registeredAt: metadata.occurredAt,
        changedAt: revision,
      }),
    ),
    changes(
      EmailVerified,
      ofPerson,
      sets(() => ({ emailVerified: true })),
    ),
    changes(
      EmailChanged,
      ofPerson,
      sets(({ email, verified }) => ({ email, emailVerified: verified })),
    ),
    changes(
      PasswordChanged,
      ofPerson,
      sets(() => ({ hasPassword: true })),
    ),
    changes(
      RoleAssigned,
      ofPerson,
      sets(({ role }) => ({ role })),
    ),
    changes(
      AccountDeactivated,
      ofPerson,
      sets(({ reason }) => ({ status: 'deactivated', deactivationReason: reason })),
    ),
    changes(
      AccountReactivated,
      ofPerson,
      sets(() => ({ status: 'active', deactivationReason: null })),
    ),
    changes(
      TotpEnabled,
      ofPerson,
      sets(() => ({ secondFactor: true })),
    ),
    changes(
      TotpDisabled,
      ofPerson,
      sets(() => ({ secondFactor: false })),
    ),
    changes(
      AccountForgotten,
      ofPerson,
      sets(() => ({
        email: null,
        emailVerified: false,
        status: 'forgotten',
        deactivationReason: null,
        hasPassword: false,
        secondFactor: false,
      })),
    ),
  ]),
};
