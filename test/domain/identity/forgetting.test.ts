import { describe, it } from 'vitest';
import { onStream, systemActor } from '../../../domain/decider.js';
import { AccountForgotten, AccountRegistered, RoleAssigned } from '../../../domain/identity/account/credentials.js';
import { SessionsEnded } from '../../../domain/identity/account/sessions.js';
import { AdminGained, AdminLost, KeyDestructionOrdered } from '../../../domain/identity/platform-security.js';
import { PersonForgotten, ProfileCreated } from '../../../domain/identity/profile.js';
import { ValueFreed, ValueReserved } from '../../../domain/identity/reservation.js';
import { given, idOf, past } from '../specification.js';

const [personId, other] = [idOf(1), idOf(2)];
const unproved = {
  personId,
  emailReservation: 'e1',
  emailRevision: 0,
  usernameReservation: 'u1',
  usernameRevision: 0,
};
const input = { ...unproved, passwordRevision: 0 };
const asThemselves = { actor: { id: personId } };

const known = past(`user-${personId}`, ProfileCreated({ personId, name: 'Ada', username: 'ada' }));
const registered = past(
  `account-${personId}`,
  AccountRegistered({ personId, email: 'ada@example.org', username: 'ada', passwordHash: 'hash' }),
);
const reserved = [
  ...past('emailReservation-e1', ValueReserved({ owner: personId })),
  ...past('usernameReservation-u1', ValueReserved({ owner: personId })),
];

const receipt = [PersonForgotten({ personId }), onStream('platform-security', KeyDestructionOrdered({ personId }))];
const accountEnded = [
  onStream(`account-${personId}`, SessionsEnded({ personId, except: null, reason: 'forgotten' })),
  onStream(`account-${personId}`, AccountForgotten({ personId })),
];

describe('ForgetPerson', () => {
  it('keeps a receipt, ends the account and its sessions, and frees what was reserved', () => {
    given(known, registered, reserved)
      .when('identity.ForgetPerson', input, asThemselves)
      .then(
        ...receipt,
        ...accountEnded,
        onStream('emailReservation-e1', ValueFreed({ owner: personId })),
        onStream('usernameReservation-u1', ValueFreed({ owner: personId })),
      );
  });

  it('is for oneself and for who may', () => {
    const history = [known, registered];
    given(...history)
      .when('identity.ForgetPerson', unproved, { actor: { id: other, role: 'moderator' } })
      .thenRefused('forbidden');
    given(...history)
      .when('identity.ForgetPerson', unproved, { actor: { id: other, role: 'admin' } })
      .then(...receipt, ...accountEnded);
  });

  it('takes one’s own password, as it is now', () => {
    given(known, registered).when('identity.ForgetPerson', unproved, asThemselves).thenRefused('forbidden');
    given(known, registered)
      .when('identity.ForgetPerson', { ...input, passwordRevision: 1 }, asThemselves)
      .thenRefused('stale-version');
  });

  it('forgets someone without an account', () => {
    given(known)
      .when(
        'identity.ForgetPerson',
        { personId, emailReservation: null, usernameReservation: null, usernameRevision: 0 },
        { actor: systemActor },
      )
      .then(...receipt);
  });

  it('leaves the last admin there', () => {
    const ofAdmin = [...registered, ...past(`account-${personId}`, RoleAssigned({ personId, role: 'admin' }))];
    const admins = (...ids: string[]) => past('platform-security', ...ids.map((id) => AdminGained({ personId: id })));
    const asAdmin = { actor: { id: other, role: 'admin' as const } };
    given(known, ofAdmin, admins(personId))
      .when('identity.ForgetPerson', input, asThemselves)
      .thenRefused('last-admin');
    given(known, ofAdmin, admins(personId)).when('identity.ForgetPerson', unproved, asAdmin).thenRefused('last-admin');
    given(known, ofAdmin, admins(personId, other))
      .when('identity.ForgetPerson', input, asThemselves)
      .then(...receipt, onStream('platform-security', AdminLost({ personId })), ...accountEnded);
  });

  it('frees nothing that is someone else’s by now', () => {
    given(known, registered, past('emailReservation-e1', ValueReserved({ owner: other })))
      .when('identity.ForgetPerson', input, asThemselves)
      .then(...receipt, ...accountEnded);
  });

  it('is done once', () => {
    given(known, past(`user-${personId}`, PersonForgotten({ personId })))
      .when('identity.ForgetPerson', input, asThemselves)
      .thenNothing();
  });

  it('refuses someone whom nobody knows', () => {
    given().when('identity.ForgetPerson', input, asThemselves).thenRefused('not-found');
  });
});
