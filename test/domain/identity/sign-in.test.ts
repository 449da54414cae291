import { describe, expect, it } from 'vitest';
import { onStream, systemActor } from '../../../domain/decider.js';
import {
  AddressBlocked,
  recentFailures,
  SignInFailed,
  SignInFailuresCleared,
  type SignInState,
  signIn,
} from '../../../domain/identity/sign-in.js';
import { fold, given, noon, past, pastAt, record } from '../specification.js';
import { admin, annId, hourMs } from './people.js';

const windowMs = 15 * 60_000;
const input = {
  addressKey: 'a1',
  accountKey: 'k1',
  personId: annId,
  address: '192.0.2.1',
  windowMs,
  blockAfter: 3,
  blockMs: hourMs,
};
const asSystem = { actor: systemActor };
const failed = SignInFailed({ personId: annId, addressSubject: 'address-a1', address: '192.0.2.1' });
const atAccount = onStream('signIn-k1', failed);
const blocked = AddressBlocked({ until: new Date(noon + hourMs).toISOString() });
const failedFromAddress = (agoMs: number) => pastAt(noon - agoMs, 'signIn-a1', failed);

describe('RecordSignInFailure', () => {
  it('counts for the address and for the account', () => {
    given().when('identity.RecordSignInFailure', input, asSystem).then(failed, atAccount);
  });

  it('counts alike where there is no such account', () => {
    const unknown = SignInFailed({ personId: null, addressSubject: 'address-a1', address: '192.0.2.1' });
    given()
      .when('identity.RecordSignInFailure', { ...input, personId: null }, asSystem)
      .then(unknown, onStream('signIn-k1', unknown));
  });

  it('blocks the address at the last failure that it is let have within the window', () => {
    given(failedFromAddress(windowMs - 1))
      .when('identity.RecordSignInFailure', input, asSystem)
      .then(failed, atAccount);
    given(failedFromAddress(windowMs - 1), failedFromAddress(0))
      .when('identity.RecordSignInFailure', input, asSystem)
      .then(failed, atAccount, blocked);
  });

  it('forgets failures before the window', () => {
    given(failedFromAddress(windowMs), failedFromAddress(0))
      .when('identity.RecordSignInFailure', input, asSystem)
      .then(failed, atAccount);
  });

  it('counts anew after a block', () => {
    given(failedFromAddress(3), failedFromAddress(2), failedFromAddress(1), past('signIn-a1', blocked))
      .when('identity.RecordSignInFailure', input, asSystem)
      .then(failed, atAccount);
  });

  it('is the system’s alone', () => {
    given().when('identity.RecordSignInFailure', input, { actor: admin }).thenRefused('forbidden');
  });
});

describe('ClearSignInFailures', () => {
  const ofAccount = { accountKey: 'k1' };

  it('forgets the failures of an account, once', () => {
    const cleared = SignInFailuresCleared({});
    given(past('signIn-k1', failed)).when('identity.ClearSignInFailures', ofAccount, asSystem).then(cleared);
    given(past('signIn-k1', failed, cleared))
      .when('identity.ClearSignInFailures', ofAccount, asSystem)
      .thenNothing();
  });

  it('is the system’s alone', () => {
    given(past('signIn-k1', failed))
      .when('identity.ClearSignInFailures', ofAccount, { actor: admin })
      .thenRefused('forbidden');
  });
});

describe('the count of wrong logins', () => {
  const stateOf = (...history: ReturnType<typeof past>[]) =>
    fold(signIn, record(history.flat()), 'signIn-a1') as SignInState;

  it('is of those within the window', () => {
    const state = stateOf(failedFromAddress(windowMs), failedFromAddress(windowMs - 1), failedFromAddress(0));
    expect(recentFailures(state, windowMs, noon)).toEqual([noon - windowMs + 1, noon]);
  });

  it('is not of those that lie ahead, where the clock was set back after them', () => {
    const state = stateOf(failedFromAddress(-hourMs), failedFromAddress(-1), failedFromAddress(0));
    expect(recentFailures(state, windowMs, noon)).toEqual([noon + 1, noon]);
  });

  it('does not grow without bound', () => {
    const many = Array.from({ length: 1_200 }, (_, n) => pastAt(noon - 1_200 + n, 'signIn-a1', failed));
    const { failures } = stateOf(...many);
    expect([failures.length, failures[0]]).toEqual([1_000, noon - 1_000]);
  });

  it('tells until when an address is blocked, and not of what that was for', () => {
    const state = stateOf(failedFromAddress(0), past('signIn-a1', blocked));
    expect(state).toMatchObject({ failures: [], blockedUntil: noon + hourMs });
  });
});
