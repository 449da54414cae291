import { systemActor } from '../../domain/decider.js';
import { recentFailures, type SignInState, signIn } from '../../domain/identity/sign-in.js';
import type { CommandPipeline } from '../commands/port.js';
import { RateLimited } from '../rate-limits.js';
import type { LiveStreams } from '../relay/live-streams.js';
import type { Reservations } from './reservations.js';

export interface SignInFailuresOptions {
  readonly pipeline: Pick<CommandPipeline, 'execute'>;
  readonly liveStreams: Pick<LiveStreams, 'latest'>;
  readonly reservations: Reservations;
  /** Wrong logins of one account that are let pass in `windowMs`. */
  readonly tries: number;
  readonly windowMs: number;
  /** How long an address stays out after too many wrong logins from it, in ms. */
  readonly blockMs: number;
}

/** An address may be an office's: it is blocked after this many times as many failures as an account bears. */
const addressFactor = 5;

/** Who tries to log in as whom. */
export interface Attempt {
  /** The account's id; the login itself where nobody has it, so that both count alike. */
  readonly account: string;
  readonly personId: string | undefined;
  readonly address: string;
}

/** Counts wrong logins in the log, and so for all processes. */
export class SignInFailures {
  constructor(private readonly options: SignInFailuresOptions) {}

  /** @throws {RateLimited} */
  async assertAllowed({ account, address }: Attempt): Promise<void> {
    const { reservations, tries, windowMs } = this.options;
    const now = Date.now();
    const [atAccount, fromAddress] = await Promise.all([
      this.#state(reservations.triesAt(account)),
      this.#state(reservations.triesFrom(address)),
    ]);
    if (now < fromAddress.blockedUntil) throw this.#refusal('blocked-address', fromAddress.blockedUntil - now);
    const recent = recentFailures(atAccount, windowMs, now);
    const decisive = recent[recent.length - tries];
    if (decisive !== undefined) throw this.#refusal('sign-in', decisive + windowMs - now);
  }

  async record({ account, personId, address }: Attempt): Promise<void> {
    const { pipeline, reservations, tries, windowMs, blockMs } = this.options;
    await pipeline.execute({
      type: 'identity.RecordSignInFailure',
      actor: systemActor,
      input: {
        addressKey: reservations.triesFrom(address),
        accountKey: reservations.triesAt(account),
        personId: personId ?? null,
        address,
        windowMs,
        blockAfter: tries * addressFactor,
        blockMs,
      },
    });
  }

  /** The person has shown that they know the password. */
  async clear(account: string): Promise<void> {
    const accountKey = this.options.reservations.triesAt(account);
    if ((await this.#state(accountKey)).failures.length === 0) return;
    await this.options.pipeline.execute({
      type: 'identity.ClearSignInFailures',
      actor: systemActor,
      input: { accountKey },
    });
  }

  #refusal(policy: string, forMs: number): RateLimited {
    const { tries: quota, windowMs } = this.options;
    const resetSeconds = Math.max(1, Math.ceil(forMs / 1_000));
    return new RateLimited([{ policy, quota, windowSeconds: windowMs / 1_000, remaining: 0, resetSeconds }]);
  }

  #state(key: string): Promise<SignInState> {
    return this.options.liveStreams.latest(signIn, key);
  }
}
