import { describe, expect, it, vi } from 'vitest';
import { type AccountState, account } from '../../domain/identity/account/account.js';
import { SignIns, type SignInsOptions } from '../../src/auth/sign-ins.js';
import { WrongCredentials } from '../../src/auth/wrong-credentials.js';
import { CommandRejected } from '../../src/commands/port.js';

const personId = '01900000-0000-7000-8000-000000000001';
const whence = { address: '192.0.2.1', userAgent: null };
const signIn = { login: 'ann@example.org', password: 'the former one' };

/** Logs in while the password is changed: at the time when the one that was given is compared with the former hash. */
function duringAChange(onBegin: (passwordRevision: number | undefined) => void) {
  const state: AccountState = { ...account.initialState() };
  state.credentials = { ...state.credentials, status: 'active', passwordRevision: 0 };
  const hashes = new Map<number | undefined, string>([
    [0, 'hash of the former one'],
    [7, 'hash of another'],
  ]);
  const matches = vi.fn(async (password: string, hash: string | undefined) => {
    // The state is shared: it changes under the hands of whoever has asked for it.
    state.credentials.passwordRevision = 7;
    return hash === `hash of ${password}`;
  });
  const failed = vi.fn(async () => {});
  const begin = vi.fn(async (_person: string, { passwordRevision }: { passwordRevision?: number }) => {
    onBegin(passwordRevision);
    if (passwordRevision !== state.credentials.passwordRevision) throw new CommandRejected('stale-version');
    return 'let in';
  });
  const options = {
    reader: {
      ownerOf: async () => personId,
      account: async () => state,
      passwordHash: async (_person: string, { credentials }: AccountState) => hashes.get(credentials.passwordRevision),
    },
    passwords: { matches },
    failures: { assertAllowed: async () => {}, record: failed, clear: async () => {} },
    sessions: { begin },
    renewHash: async (_person: string, _password: string, _hash: string, revision: number) => revision,
    verifiedEmailOnly: false,
  } as unknown as SignInsOptions;
  return { signIns: new SignIns(options), matches, failed };
}

describe('a password that is changed while it is compared', () => {
  it('lets nobody in who knows the former one', async () => {
    const shown: (number | undefined)[] = [];
    const { signIns, matches, failed } = duringAChange((revision) => void shown.push(revision));
    await expect(signIns.signIn({ ...signIn, password: 'the former one' }, whence)).rejects.toThrow(WrongCredentials);
    expect(shown).toEqual([0]);
    expect(matches).toHaveBeenCalledTimes(2);
    expect(failed).toHaveBeenCalledTimes(1);
  });
});
