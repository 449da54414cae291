import type { CommandPipeline } from '../commands/port.js';
import type { Codec } from '../event-store/codec.js';
import type { EventStore } from '../event-store/port.js';
import type { KeyStore } from '../keys/port.js';
import type { LiveStreams } from '../relay/live-streams.js';
import type { AccessTokens } from './access-tokens.js';
import { AccountReader } from './account-reader.js';
import { Accounts } from './accounts.js';
import type { InternalTokens } from './internal-tokens.js';
import { Passwords } from './passwords.js';
import { Profiles } from './profiles.js';
import { Reservations } from './reservations.js';
import { SecondFactors } from './second-factors.js';
import { Sessions } from './sessions.js';
import { SignInFailures } from './sign-in-failures.js';
import { SignIns } from './sign-ins.js';

/** Everything that registers people, lets them in, and changes what they are known by. */
export interface Identity {
  readonly reader: AccountReader;
  readonly accounts: Accounts;
  readonly profiles: Profiles;
  readonly signIns: SignIns;
  readonly sessions: Sessions;
  readonly secondFactors: SecondFactors;
}

export interface IdentityOptions {
  readonly pipeline: CommandPipeline;
  readonly eventStore: EventStore;
  readonly codec: Codec;
  readonly keys: Pick<KeyStore, 'secret'>;
  readonly liveStreams: LiveStreams;
  readonly accessTokens: AccessTokens;
  readonly internalTokens: InternalTokens;
  readonly settings: IdentitySettings;
}

export interface IdentitySettings {
  /** Logarithm of bcrypt's rounds. */
  readonly bcryptCost: number;
  readonly verifiedEmailOnly: boolean;
  /** Wrong logins of an account that are let pass in a window. */
  readonly attempts: { readonly tries: number; readonly windowMinutes: number };
  readonly addressBlockMs: number;
  /** Who issues tokens, as authenticator apps show it. */
  readonly tokenIssuer: string;
}

export async function createIdentity({ settings, keys, ...options }: IdentityOptions): Promise<Identity> {
  const { verifiedEmailOnly, attempts, addressBlockMs, tokenIssuer } = settings;
  const reservations = new Reservations(await keys.secret('reservations'));
  const passwords = new Passwords(await keys.secret('passwords'), settings.bcryptCost);
  const reader = new AccountReader({ ...options, reservations });
  const failures = new SignInFailures({
    ...options,
    reservations,
    tries: attempts.tries,
    windowMs: attempts.windowMinutes * 60_000,
    blockMs: addressBlockMs,
  });
  const accounts = new Accounts({ ...options, reader, passwords, reservations, failures, verifiedEmailOnly });
  const profiles = new Profiles({ ...options, reader, reservations });
  const sessions = new Sessions({ ...options, reader });
  const secondFactors = new SecondFactors({ ...options, reader, issuer: tokenIssuer });
  const signIns = new SignIns({
    ...options,
    reader,
    passwords,
    secondFactors,
    sessions,
    failures,
    renewHash: (...renewal) => accounts.renewHash(...renewal),
    verifiedEmailOnly,
  });
  return { reader, accounts, profiles, signIns, sessions, secondFactors };
}
