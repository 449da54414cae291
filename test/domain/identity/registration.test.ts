import { describe, expect, it } from 'vitest';
import { commands } from '../../../domain/catalogue.js';
import { type AnyCommandDefinition, onStream, systemActor } from '../../../domain/decider.js';
import {
  AccountRegistered,
  EmailVerificationRequested,
  EmailVerified,
  PasswordResetRequested,
  RegistrationAttempted,
  RoleAssigned,
} from '../../../domain/identity/account/credentials.js';
import { AdminGained } from '../../../domain/identity/platform-security.js';
import { ProfileCreated } from '../../../domain/identity/profile.js';
import { ValueFreed, ValueReserved } from '../../../domain/identity/reservation.js';
import { given, idOf, noon, past, pastAt } from '../specification.js';
import { admin, annId, annsAccount, deactivated, forgotten, hourMs, inAnHour, others, registered } from './people.js';

const email = 'ann@example.org';
const when = { actor: systemActor, newId: annId };
const input = {
  email: { address: email, reservation: 'e1' },
  name: 'Ann',
  passwordHash: 'hash',
  usernames: [
    { username: 'ann', reservation: 'u1' },
    { username: 'ann1', reservation: 'u2' },
  ],
};
const account = AccountRegistered({ personId: annId, email, username: 'ann', passwordHash: 'hash' });
const reserved = ValueReserved({ owner: annId });

/** What the registration does to other streams than the account's. */
function elsewhere(username = 'ann', reservation = 'u1') {
  return [
    onStream('emailReservation-e1', reserved),
    onStream(`usernameReservation-${reservation}`, reserved),
    onStream(`user-${annId}`, ProfileCreated({ personId: annId, name: 'Ann', username })),
  ];
}

const heldBy = (owner: string, stream: string) => past(stream, ValueReserved({ owner }));
const mailed = { requestId: idOf(5), expiresAt: inAnHour };

describe('RegisterAccount', () => {
  it('reserves the e-mail address and the first user name proposed', () => {
    given()
      .when('identity.RegisterAccount', input, when)
      .then(account, ...elsewhere());
  });

  it('takes the next user name where one is held', () => {
    given(heldBy(idOf(2), 'usernameReservation-u1'))
      .when('identity.RegisterAccount', input, when)
      .then(
        AccountRegistered({ personId: annId, email, username: 'ann1', passwordHash: 'hash' }),
        ...elsewhere('ann1', 'u2'),
      );
  });

  it('refuses when every user name proposed is held', () => {
    given(heldBy(idOf(2), 'usernameReservation-u1'), heldBy(idOf(3), 'usernameReservation-u2'))
      .when('identity.RegisterAccount', input, when)
      .thenRefused('username-taken');
  });

  it('refuses an e-mail address that is held', () => {
    given(heldBy(idOf(2), 'emailReservation-e1'))
      .when('identity.RegisterAccount', input, when)
      .thenRefused('email-taken');
  });

  it('takes an e-mail address that was freed', () => {
    given(past('emailReservation-e1', ValueReserved({ owner: idOf(2) }), ValueFreed({ owner: idOf(2) })))
      .when('identity.RegisterAccount', input, when)
      .then(account, ...elsewhere());
  });

  it('takes someone without an address and a password', () => {
    given()
      .when('identity.RegisterAccount', { ...input, email: null, passwordHash: null }, when)
      .then(
        AccountRegistered({ personId: annId, email: null, username: 'ann', passwordHash: null }),
        ...elsewhere().slice(1),
      );
  });

  it('asks by mail for the address, or for a password', () => {
    given()
      .when('identity.RegisterAccount', { ...input, verification: mailed }, when)
      .then(
        account,
        EmailVerificationRequested({ personId: annId, purpose: 'verify', email, ...mailed }),
        ...elsewhere(),
      );
    given()
      .when('identity.RegisterAccount', { ...input, invitation: mailed }, when)
      .then(account, PasswordResetRequested({ personId: annId, reason: 'invitation', ...mailed }), ...elsewhere());
  });

  it('takes an address for verified where it is known to be the person’s', () => {
    given()
      .when('identity.RegisterAccount', { ...input, emailVerified: true }, when)
      .then(account, EmailVerified({ personId: annId }), ...elsewhere());
  });

  it('gives a role, by those who may assign roles', () => {
    given()
      .when('identity.RegisterAccount', { ...input, role: 'instructor' }, { ...when, actor: admin })
      .then(account, RoleAssigned({ personId: annId, role: 'instructor' }), ...elsewhere());
  });

  it('has the platform know of an admin', () => {
    given()
      .when('identity.RegisterAccount', { ...input, role: 'admin' }, { ...when, actor: admin })
      .then(
        account,
        RoleAssigned({ personId: annId, role: 'admin' }),
        ...elsewhere(),
        onStream('platform-security', AdminGained({ personId: annId })),
      );
  });

  it.each(others)('is nothing that a $role does for others', (actor) => {
    given()
      .when('identity.RegisterAccount', input, { ...when, actor })
      .thenRefused('forbidden');
  });

  it('makes an account once', () => {
    given(registered).when('identity.RegisterAccount', input, when).thenRefused('already-exists');
  });

  it('takes at least one user name, and no role that there is not', () => {
    const schema = (commands.get('identity.RegisterAccount') as AnyCommandDefinition).input;
    expect(schema.safeParse({ ...input, usernames: [] }).success).toBe(false);
    expect(schema.safeParse({ ...input, role: 'owner' }).success).toBe(false);
    expect(schema.safeParse({ ...input, admin: true }).success).toBe(false);
  });
});

describe('ReportRegistrationAttempt', () => {
  const asSystem = { actor: systemActor };
  const attempted = RegistrationAttempted({ personId: annId });
  const report = { personId: annId };

  it('has the owner of the address told', () => {
    given(registered).when('identity.ReportRegistrationAttempt', report, asSystem).then(attempted);
  });

  it('has them told once an hour', () => {
    const before = (ms: number) => pastAt(noon - ms, annsAccount, attempted);
    given(registered, before(hourMs - 1))
      .when('identity.ReportRegistrationAttempt', report, asSystem)
      .thenNothing();
    for (const ms of [hourMs, -hourMs]) {
      given(registered, before(ms)).when('identity.ReportRegistrationAttempt', report, asSystem).then(attempted);
    }
  });

  it('tells whoever is shut out as well, since the address is theirs; nobody where there is nobody', () => {
    given(registered, deactivated).when('identity.ReportRegistrationAttempt', report, asSystem).then(attempted);
    given().when('identity.ReportRegistrationAttempt', report, asSystem).thenNothing();
    given(registered, forgotten).when('identity.ReportRegistrationAttempt', report, asSystem).thenNothing();
  });

  it('is the system’s alone', () => {
    given(registered).when('identity.ReportRegistrationAttempt', report, { actor: admin }).thenRefused('forbidden');
  });
});
