import { describe, it } from 'vitest';
import { onStream, systemActor } from '../../../domain/decider.js';
import {
  EmailChanged,
  EmailVerificationRequested,
  EmailVerified,
  PasswordChanged,
  PasswordResetRequested,
} from '../../../domain/identity/account/credentials.js';
import { SessionsEnded } from '../../../domain/identity/account/sessions.js';
import { ValueFreed, ValueReserved } from '../../../domain/identity/reservation.js';
import { given, idOf, past } from '../specification.js';
import {
  admin,
  anHourAgo,
  ann,
  annId,
  annsAccount,
  bob,
  bobId,
  deactivated,
  forgotten,
  inAnHour,
  others,
  registered,
} from './people.js';

const [firstRequest, secondRequest] = [idOf(5), idOf(6)];
const next = 'ann.lee@example.org';

const asAnn = { actor: ann };
const asAdmin = { actor: admin };
const asSystem = { actor: systemActor };

const ofAnn = (...events: Parameters<typeof past>[1][]) => past(annsAccount, ...events);

// E-mail address

function verificationRequested(purpose: 'verify' | 'change', requestId = firstRequest, expiresAt = inAnHour) {
  return EmailVerificationRequested({ personId: annId, purpose, email: next, requestId, expiresAt });
}
const emailVerified = EmailVerified({ personId: annId });

describe('RequestEmailVerification', () => {
  const input = { personId: annId, requestId: firstRequest, purpose: 'verify', email: next, expiresAt: inAnHour };

  it.each([asAnn, asAdmin, asSystem])('has a mail ask for the address: $actor.role', (who) => {
    given(registered).when('identity.RequestEmailVerification', input, who).then(verificationRequested('verify'));
  });

  it('asks for nothing that is known, but for every new address', () => {
    given(registered, ofAnn(emailVerified)).when('identity.RequestEmailVerification', input, asAnn).thenNothing();
    given(registered, ofAnn(emailVerified))
      .when('identity.RequestEmailVerification', { ...input, purpose: 'change' }, asAnn)
      .then(verificationRequested('change'));
  });

  it.each(others)('is nothing that a $role asks for in the name of another', (actor) => {
    given(registered).when('identity.RequestEmailVerification', input, { actor }).thenRefused('forbidden');
  });

  it('needs an account that can be used', () => {
    given().when('identity.RequestEmailVerification', input, asAnn).thenRefused('not-found');
    given(registered, forgotten).when('identity.RequestEmailVerification', input, asAnn).thenRefused('not-found');
    given(registered, deactivated)
      .when('identity.RequestEmailVerification', input, asAnn)
      .thenRefused('account-deactivated');
  });
});

describe('VerifyEmail', () => {
  const input = { personId: annId, requestId: firstRequest };
  const verify = (...history: ReturnType<typeof past>[]) =>
    given(registered, ...history).when('identity.VerifyEmail', input, asAnn);

  it('takes the token that was mailed', () => {
    verify(ofAnn(verificationRequested('verify'))).then(emailVerified);
  });

  it('takes it once', () => {
    verify(ofAnn(verificationRequested('verify'), emailVerified)).thenRefused('token-not-valid');
  });

  it('takes the last one alone', () => {
    const mails = ofAnn(verificationRequested('verify'), verificationRequested('verify', secondRequest));
    verify(mails).thenRefused('token-not-valid');
    given(registered, mails)
      .when('identity.VerifyEmail', { ...input, requestId: secondRequest }, asAnn)
      .then(emailVerified);
  });

  it.each([
    ['none was asked for', []],
    ['it has expired', ofAnn(verificationRequested('verify', firstRequest, anHourAgo))],
    ['it is for a change', ofAnn(verificationRequested('change'))],
    [
      'the address is another by now',
      ofAnn(verificationRequested('verify'), EmailChanged({ personId: annId, email: next, verified: false })),
    ],
    ['the person was forgotten', [...ofAnn(verificationRequested('verify')), ...forgotten]],
  ])('takes none where %s', (_what, history) => {
    verify(history).thenRefused('token-not-valid');
  });
});

describe('ChangeEmail', () => {
  const input = {
    personId: annId,
    email: { address: next, reservation: 'e2' },
    formerReservation: 'e1',
    formerRevision: 0,
  };
  const proved = { ...input, passwordRevision: 0 };
  const reserved = past('emailReservation-e1', ValueReserved({ owner: annId }));
  const changed = (verified: boolean) => [
    EmailChanged({ personId: annId, email: next, verified }),
    onStream('emailReservation-e2', ValueReserved({ owner: annId })),
    onStream('emailReservation-e1', ValueFreed({ owner: annId })),
  ];

  it('reserves the new address and frees the old one', () => {
    given(registered, reserved)
      .when('identity.ChangeEmail', proved, asAnn)
      .then(...changed(false));
  });

  it('by the mailed token also shows that the address is the person’s', () => {
    given(registered, reserved, ofAnn(verificationRequested('change')))
      .when('identity.ChangeEmail', { ...input, requestId: firstRequest }, asAnn)
      .then(...changed(true));
  });

  it.each([
    ['none was asked for', []],
    ['it has expired', ofAnn(verificationRequested('change', firstRequest, anHourAgo))],
    ['it is for the present address', ofAnn(verificationRequested('verify'))],
    ['a later one was mailed', ofAnn(verificationRequested('change'), verificationRequested('change', secondRequest))],
  ])('takes no token where %s', (_what, history) => {
    given(registered, reserved, history)
      .when('identity.ChangeEmail', { ...input, requestId: firstRequest }, asAnn)
      .thenRefused('token-not-valid');
  });

  it('needs the password as it is now, where no token shows that it is the person', () => {
    given(registered, reserved).when('identity.ChangeEmail', input, asAnn).thenRefused('forbidden');
    given(registered, reserved, ofAnn(PasswordChanged({ personId: annId, passwordHash: 'new', how: 'changed' })))
      .when('identity.ChangeEmail', proved, asAnn)
      .thenRefused('stale-version');
  });

  it('is done by an admin without it', () => {
    given(registered, reserved)
      .when('identity.ChangeEmail', input, asAdmin)
      .then(...changed(false));
  });

  it.each(others)('is not done by a $role for another', (actor) => {
    given(registered, reserved).when('identity.ChangeEmail', proved, { actor }).thenRefused('forbidden');
  });

  it('refuses an address that is another’s', () => {
    given(registered, reserved, past('emailReservation-e2', ValueReserved({ owner: bobId })))
      .when('identity.ChangeEmail', proved, asAnn)
      .thenRefused('email-taken');
  });

  it('keeps the reservation where only the spelling changes', () => {
    const again = { ...proved, email: { address: next, reservation: 'e1' } };
    given(registered, reserved)
      .when('identity.ChangeEmail', again, asAnn)
      .then(EmailChanged({ personId: annId, email: next, verified: false }));
  });

  it('takes the address away, and gives one to who has none', () => {
    given(registered, reserved)
      .when('identity.ChangeEmail', { ...input, email: null }, asAdmin)
      .then(
        EmailChanged({ personId: annId, email: null, verified: false }),
        onStream('emailReservation-e1', ValueFreed({ owner: annId })),
      );
    given(registered, ofAnn(EmailChanged({ personId: annId, email: null, verified: false })))
      .when('identity.ChangeEmail', { ...input, formerReservation: null, formerRevision: 1 }, asAdmin)
      .then(...changed(false).slice(0, 2));
  });

  it('leaves no address reserved that was changed meanwhile', () => {
    const history = [registered, ofAnn(EmailChanged({ personId: annId, email: 'a@example.org', verified: false }))];
    given(...history)
      .when('identity.ChangeEmail', input, asAdmin)
      .thenRefused('stale-version');
  });

  it('needs an account that can be used', () => {
    given().when('identity.ChangeEmail', proved, asAdmin).thenRefused('not-found');
    given(registered, forgotten).when('identity.ChangeEmail', proved, asAdmin).thenRefused('not-found');
    given(registered, deactivated).when('identity.ChangeEmail', proved, asAnn).thenRefused('account-deactivated');
    given(registered, reserved, deactivated)
      .when('identity.ChangeEmail', input, asAdmin)
      .then(...changed(false));
  });
});

// Password

const passwordChanged = (how: 'changed' | 'reset' | 'set-by-admin' | 'renewed', passwordHash = 'new hash') =>
  PasswordChanged({ personId: annId, passwordHash, how });
const sessionsEnded = (except: string | null) => SessionsEnded({ personId: annId, except, reason: 'password-changed' });

describe('ChangePassword', () => {
  const input = { personId: annId, passwordHash: 'new hash', passwordRevision: 0 };
  const unproved = { personId: annId, passwordHash: 'new hash' };

  it('ends all other sessions', () => {
    given(registered)
      .when('identity.ChangePassword', input, asAnn)
      .then(passwordChanged('changed'), sessionsEnded(ann.session as string));
  });

  it('of someone else ends all of theirs, and needs no present one', () => {
    given(registered)
      .when('identity.ChangePassword', unproved, asAdmin)
      .then(passwordChanged('set-by-admin'), sessionsEnded(null));
  });

  it('needs the present one, as it is now', () => {
    given(registered).when('identity.ChangePassword', unproved, asAnn).thenRefused('forbidden');
    given(registered, ofAnn(passwordChanged('changed')))
      .when('identity.ChangePassword', input, asAnn)
      .thenRefused('stale-version');
  });

  it.each(others)('is not done by a $role for another', (actor) => {
    given(registered).when('identity.ChangePassword', input, { actor }).thenRefused('forbidden');
  });

  it('needs an account that can be used', () => {
    given().when('identity.ChangePassword', input, asAdmin).thenRefused('not-found');
    given(registered, forgotten).when('identity.ChangePassword', input, asAdmin).thenRefused('not-found');
    given(registered, deactivated).when('identity.ChangePassword', input, asAnn).thenRefused('account-deactivated');
  });
});

function resetRequested(requestId = firstRequest, expiresAt = inAnHour) {
  return PasswordResetRequested({ personId: annId, reason: 'forgotten', requestId, expiresAt });
}

describe('RequestPasswordReset', () => {
  const input = { personId: annId, requestId: firstRequest, expiresAt: inAnHour };

  it('has a mail let the person set a new one', () => {
    given(registered).when('identity.RequestPasswordReset', input, asSystem).then(resetRequested());
    given(registered).when('identity.RequestPasswordReset', input, asAdmin).then(resetRequested());
  });

  it.each([ann, bob])('is asked for by the system, in whose name nobody is logged in', (actor) => {
    given(registered).when('identity.RequestPasswordReset', input, { actor }).thenRefused('forbidden');
  });

  it.each([
    ['nobody', []],
    ['someone who is shut out', [...registered, ...deactivated]],
    ['someone who was forgotten', [...registered, ...forgotten]],
  ])('does nothing for %s, and says nothing of it', (_who, history) => {
    given(history).when('identity.RequestPasswordReset', input, asSystem).thenNothing();
  });
});

describe('ResetPassword', () => {
  const input = { personId: annId, requestId: firstRequest, passwordHash: 'new hash' };
  const reset = (...history: ReturnType<typeof past>[]) =>
    given(registered, ...history).when('identity.ResetPassword', input, asAnn);

  it('takes the token that was mailed, which shows that the address is the person’s; all sessions end', () => {
    reset(ofAnn(resetRequested())).then(passwordChanged('reset'), emailVerified, sessionsEnded(null));
  });

  it('tells nothing of an address that is verified already', () => {
    reset(ofAnn(emailVerified, resetRequested())).then(passwordChanged('reset'), sessionsEnded(null));
  });

  it('takes it once', () => {
    reset(ofAnn(resetRequested(), passwordChanged('reset'))).thenRefused('token-not-valid');
  });

  it('takes the last one alone', () => {
    const mails = ofAnn(resetRequested(), resetRequested(secondRequest));
    reset(mails).thenRefused('token-not-valid');
    given(registered, mails)
      .when('identity.ResetPassword', { ...input, requestId: secondRequest }, asAnn)
      .then(passwordChanged('reset'), emailVerified, sessionsEnded(null));
  });

  it('takes it after the same password was hashed anew', () => {
    reset(ofAnn(resetRequested(), passwordChanged('renewed'))).then(
      passwordChanged('reset'),
      emailVerified,
      sessionsEnded(null),
    );
  });

  it.each([
    ['none was asked for', []],
    ['it has expired', ofAnn(resetRequested(firstRequest, anHourAgo))],
    ['the password was changed since', ofAnn(resetRequested(), passwordChanged('changed'))],
    [
      'the address is another by now',
      ofAnn(resetRequested(), EmailChanged({ personId: annId, email: next, verified: true })),
    ],
    ['the person is shut out', [...ofAnn(resetRequested()), ...deactivated]],
    ['the person was forgotten', [...ofAnn(resetRequested()), ...forgotten]],
  ])('takes none where %s', (_what, history) => {
    reset(history).thenRefused('token-not-valid');
  });
});

describe('RenewPasswordHash', () => {
  const input = { personId: annId, passwordHash: 'new hash', formerRevision: 0 };

  it('keeps the password under another hash, and all sessions', () => {
    given(registered).when('identity.RenewPasswordHash', input, asAnn).then(passwordChanged('renewed'));
  });

  it('does not bring back a password that was changed meanwhile', () => {
    given(registered, ofAnn(passwordChanged('changed', 'another')))
      .when('identity.RenewPasswordHash', input, asAnn)
      .thenRefused('stale-version');
  });

  it('needs an account that can be used', () => {
    given(registered, deactivated).when('identity.RenewPasswordHash', input, asAnn).thenRefused('account-deactivated');
  });
});
