import { describe, it } from 'vitest';
import {
  RecoveryCodesRenewed,
  RecoveryCodeUsed,
  TotpDisabled,
  TotpEnabled,
  TotpEnrolmentBegun,
  TotpUsed,
} from '../../../domain/identity/account/second-factor.js';
import { SessionBegan } from '../../../domain/identity/account/sessions.js';
import { given, idOf, past } from '../specification.js';
import { admin, ann, annId, annsAccount, bob, deactivated, forgotten, inAnHour, others, registered } from './people.js';

const codeHashes = ['a', 'b'].map((letter) => letter.repeat(43));
const [firstCode, secondCode] = codeHashes as [string, string];
const asAnn = { actor: ann };

const ofAnn = (...events: Parameters<typeof past>[1][]) => past(annsAccount, ...events);
/** Revision 1. */
const begun = ofAnn(TotpEnrolmentBegun({ personId: annId, secret: 'SECRET' }));
const enabled = ofAnn(TotpEnabled({ personId: annId, step: 100, recoveryCodeHashes: codeHashes }));
const disabled = ofAnn(TotpDisabled({ personId: annId }));
const protectedAccount = [...registered, ...begun, ...enabled];

describe('BeginTotpEnrolment', () => {
  const unproved = { personId: annId, secret: 'SECRET' };
  const input = { ...unproved, passwordRevision: 0 };
  const anew = TotpEnrolmentBegun(unproved);

  it('gives the person a secret, and another one when asked again', () => {
    given(registered).when('identity.BeginTotpEnrolment', input, asAnn).then(anew);
    given(registered, begun).when('identity.BeginTotpEnrolment', input, asAnn).then(anew);
    given(protectedAccount, disabled).when('identity.BeginTotpEnrolment', input, asAnn).then(anew);
  });

  it('takes the password, as it is now', () => {
    given(registered).when('identity.BeginTotpEnrolment', unproved, asAnn).thenRefused('forbidden');
    given(registered)
      .when('identity.BeginTotpEnrolment', { ...unproved, passwordRevision: 1 }, asAnn)
      .thenRefused('stale-version');
  });

  it('does not put another one in the place of that which is in use', () => {
    given(protectedAccount).when('identity.BeginTotpEnrolment', input, asAnn).thenRefused('already-exists');
  });

  it.each([admin, bob])('is nobody else’s business', (actor) => {
    given(registered).when('identity.BeginTotpEnrolment', input, { actor }).thenRefused('forbidden');
  });

  it.each([
    ['that is not there', []],
    ['that is shut', [...registered, ...deactivated]],
    ['whose person was forgotten', [...registered, ...forgotten]],
  ])('is not for an account %s', (_which, history) => {
    given(history).when('identity.BeginTotpEnrolment', input, asAnn).thenRefused('account-deactivated');
  });
});

describe('EnableTotp', () => {
  const input = { personId: annId, enrolmentRevision: 1, step: 100, recoveryCodeHashes: codeHashes };

  it('counts from the first code on', () => {
    given(registered, begun)
      .when('identity.EnableTotp', input, asAnn)
      .then(TotpEnabled({ personId: annId, step: 100, recoveryCodeHashes: codeHashes }));
  });

  it('takes no code of a secret that was replaced', () => {
    given(registered, begun, begun).when('identity.EnableTotp', input, asAnn).thenRefused('not-found');
  });

  it('is refused where nothing was begun, or is done', () => {
    given(registered).when('identity.EnableTotp', input, asAnn).thenRefused('not-found');
    given(protectedAccount).when('identity.EnableTotp', input, asAnn).thenRefused('already-exists');
    given(protectedAccount, disabled).when('identity.EnableTotp', input, asAnn).thenRefused('not-found');
  });

  it.each([admin, bob])('is nobody else’s business', (actor) => {
    given(registered, begun).when('identity.EnableTotp', input, { actor }).thenRefused('forbidden');
  });
});

describe('DisableTotp', () => {
  const input = { personId: annId };

  it.each([ann, admin])('is for the person, and for an admin where they have lost everything', (actor) => {
    given(protectedAccount).when('identity.DisableTotp', input, { actor }).then(TotpDisabled(input));
  });

  it('also takes back what was only begun, and else does nothing', () => {
    given(registered, begun).when('identity.DisableTotp', input, asAnn).then(TotpDisabled(input));
    given(registered).when('identity.DisableTotp', input, asAnn).thenNothing();
    given(protectedAccount, disabled).when('identity.DisableTotp', input, asAnn).thenNothing();
  });

  it.each(others)('is not for a $role', (actor) => {
    given(protectedAccount).when('identity.DisableTotp', input, { actor }).thenRefused('forbidden');
  });
});

describe('RenewRecoveryCodes', () => {
  const input = { personId: annId, recoveryCodeHashes: [secondCode] };

  it('puts new ones in the place of the old', () => {
    given(protectedAccount).when('identity.RenewRecoveryCodes', input, asAnn).then(RecoveryCodesRenewed(input));
  });

  it('needs a second factor', () => {
    given(registered, begun).when('identity.RenewRecoveryCodes', input, asAnn).thenRefused('not-found');
  });

  it.each([admin, bob])('is nobody else’s business', (actor) => {
    given(protectedAccount).when('identity.RenewRecoveryCodes', input, { actor }).thenRefused('forbidden');
  });
});

describe('BeginSession with a second factor', () => {
  const whence = { address: null, userAgent: null };
  const session = { personId: annId, sessionId: idOf(8), expiresAt: inAnHour, ...whence };
  const input = { ...session, passwordRevision: 0, verifiedEmailOnly: false };
  const began = (method: 'password' | 'password+totp' | 'password+recovery-code') =>
    SessionBegan({ ...session, method });
  const logIn = (history: ReturnType<typeof past>, secondFactor?: object) =>
    given(protectedAccount, history).when('identity.BeginSession', { ...input, secondFactor }, asAnn);

  it('asks for it', () => {
    logIn([]).thenRefused('second-factor-required');
  });

  it('takes a code of a step that none was given of', () => {
    logIn([], { totpStep: 101 }).then(TotpUsed({ personId: annId, step: 101 }), began('password+totp'));
  });

  it('takes it once: neither again, nor one of a step before', () => {
    const used = ofAnn(TotpUsed({ personId: annId, step: 101 }));
    logIn(used, { totpStep: 101 }).thenRefused('wrong-code');
    logIn(used, { totpStep: 100 }).thenRefused('wrong-code');
    logIn(used, { totpStep: 102 }).then(TotpUsed({ personId: annId, step: 102 }), began('password+totp'));
  });

  it('does not take the code that it was enabled with', () => {
    logIn([], { totpStep: 100 }).thenRefused('wrong-code');
  });

  it('takes a recovery code, once', () => {
    const used = RecoveryCodeUsed({ personId: annId, codeHash: firstCode });
    logIn([], { codeHash: firstCode }).then(used, began('password+recovery-code'));
    logIn(ofAnn(used), { codeHash: firstCode }).thenRefused('wrong-code');
    logIn(ofAnn(used), { codeHash: secondCode }).then(
      RecoveryCodeUsed({ personId: annId, codeHash: secondCode }),
      began('password+recovery-code'),
    );
  });

  it('takes no recovery code that was replaced, or of no one', () => {
    const renewed = ofAnn(RecoveryCodesRenewed({ personId: annId, recoveryCodeHashes: [secondCode] }));
    logIn(renewed, { codeHash: firstCode }).thenRefused('wrong-code');
    logIn([], { codeHash: 'c'.repeat(43) }).thenRefused('wrong-code');
  });

  it('asks for none where it was turned off, or only begun', () => {
    logIn(disabled).then(began('password'));
    given(registered, begun).when('identity.BeginSession', input, asAnn).then(began('password'));
  });
});
