import { systemActor } from '../../domain/decider.js';
import type { CommandPipeline } from '../commands/port.js';
import type { Identity } from './identity.js';

export interface Admin {
  readonly email: string;
  /** Of the account to be made, where there is none with this address. */
  readonly password?: string | undefined;
  readonly name?: string | undefined;
  /** Where the account is there already, it must have shown that the address is its own. */
  readonly verifiedOnly?: boolean;
}

export type AdminOutcome = 'made' | 'promoted' | 'already-admin' | 'no-such-account' | 'not-verified';

/**
 * Sees to it that the person with this address is an admin: there is no other way to the first one. An account is only
 * made where a password is given. Anybody may have registered with an address that was not verified.
 */
export async function ensureAdmin(
  { accounts, reader }: Pick<Identity, 'accounts' | 'reader'>,
  pipeline: Pick<CommandPipeline, 'execute'>,
  { email, password, name = 'Administrator', verifiedOnly = false }: Admin,
): Promise<AdminOutcome> {
  const personId = await reader.ownerOf(email);
  if (personId === undefined) {
    if (password === undefined) return 'no-such-account';
    await accounts.create(systemActor, { email, name, password, role: 'admin', emailVerified: true });
    return 'made';
  }
  const { role, emailVerified } = (await reader.account(personId)).credentials;
  if (verifiedOnly && role !== 'admin' && !emailVerified) return 'not-verified';
  const input = { personId, role: 'admin' };
  await pipeline.execute({ type: 'identity.AssignRole', actor: systemActor, input });
  return role === 'admin' ? 'already-admin' : 'promoted';
}
