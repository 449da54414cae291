import { z } from 'zod';
import { defineAggregate, defineCommand, onStream, systemActor } from '../decider.js';
import { defineEvent, type RecordedOf } from '../event.js';
import { instant, personId, streamName } from '../ids.js';
import { reject } from '../rejections.js';

/**
 * Wrong logins, counted for all processes: a stream for each account (or for a login name that nobody has) and one for
 * each address, both named by an HMAC.
 */

// Events

export const SignInFailed = defineEvent({
  type: 'identity.SignInFailed',
  data: z.strictObject({
    /** Whose account it was; `null` where there is none of the name given. */
    personId: personId.nullable(),
    /** Names the address without telling it; the address is sealed under a key of its own. */
    addressSubject: z.string(),
    address: z.string().nullable(),
  }),
  personal: { address: 'addressSubject' },
  audience: 'nobody',
});

/** Too many failures: nobody gets in from this address for a while. */
export const AddressBlocked = defineEvent({
  type: 'identity.AddressBlocked',
  data: z.strictObject({ until: instant }),
  audience: 'nobody',
});

/** Someone has shown that they know the password. */
export const SignInFailuresCleared = defineEvent({
  type: 'identity.SignInFailuresCleared',
  data: z.strictObject({}),
  audience: 'nobody',
});

export const signInEvents = { SignInFailed, AddressBlocked, SignInFailuresCleared };
export type SignInEvent = RecordedOf<typeof signInEvents>;

// State

export interface SignInState {
  /** The last failures, in ms since 1970; oldest first. */
  failures: number[];
  /** ms since 1970 */
  blockedUntil: number;
  changedAt: number;
}

/** More are never asked for. */
const mostFailures = 1_000;

export const signIn = defineAggregate<SignInState>({
  category: 'signIn',
  version: 1,
  initialState: () => ({ failures: [], blockedUntil: 0, changedAt: -1 }),
  changedAt: (state) => state.changedAt,
  evolve(state: SignInState, event: SignInEvent): SignInState {
    state.changedAt = event.revision;
    switch (event.type) {
      case 'identity.SignInFailed':
        state.failures.push(Date.parse(event.metadata.occurredAt));
        if (state.failures.length > mostFailures) state.failures.shift();
        break;
      case 'identity.AddressBlocked':
        state.blockedUntil = Date.parse(event.data.until);
        state.failures = [];
        break;
      case 'identity.SignInFailuresCleared':
        state.failures = [];
        break;
    }
    return state;
  },
});

/** Failures since `now - windowMs`; not those that lie as far ahead, since the clock was set back after them. */
export function recentFailures({ failures }: SignInState, windowMs: number, now: number): number[] {
  return failures.filter((at) => Math.abs(now - at) < windowMs);
}

// Commands

/** Counts a wrong login for the account and for the address, and blocks an address with too many. */
export const RecordSignInFailure = defineCommand({
  type: 'identity.RecordSignInFailure',
  issuer: 'system',
  aggregate: signIn,
  input: z.strictObject({
    /** HMAC of the address. */
    addressKey: z.string(),
    /** HMAC of the account's id, or of the login name. */
    accountKey: z.string(),
    personId: personId.nullable(),
    address: z.string().max(64),
    windowMs: z.number().int().positive(),
    /** Failures of an address in the window that have it blocked. */
    blockAfter: z.number().int().positive(),
    blockMs: z.number().int().positive(),
  }),
  streamId: (input) => input.addressKey,
  others: ({ accountKey }) => ({ account: { stream: streamName(signIn.category, accountKey), aggregate: signIn } }),
  decide(state, { input, actor, now }) {
    if (actor.id !== systemActor.id) return reject('forbidden');
    const { addressKey, accountKey, personId, address, windowMs, blockAfter, blockMs } = input;
    const failed = SignInFailed({ personId, addressSubject: `address-${addressKey}`, address });
    const blocked = recentFailures(state, windowMs, now).length + 1 >= blockAfter;
    return [
      failed,
      onStream(streamName(signIn.category, accountKey), failed),
      ...(blocked ? [AddressBlocked({ until: new Date(now + blockMs).toISOString() })] : []),
    ];
  },
  reply: (_events, input) => ({ id: input.addressKey }),
});

export const ClearSignInFailures = defineCommand({
  type: 'identity.ClearSignInFailures',
  issuer: 'system',
  aggregate: signIn,
  input: z.strictObject({ accountKey: z.string() }),
  streamId: (input) => input.accountKey,
  decide(state, { actor }) {
    if (actor.id !== systemActor.id) return reject('forbidden');
    return state.failures.length === 0 ? [] : [SignInFailuresCleared({})];
  },
  reply: (_events, input) => ({ id: input.accountKey }),
});

export const signInCommands = [RecordSignInFailure, ClearSignInFailures] as const;
