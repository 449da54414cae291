import { describe, it } from 'vitest';
import { onStream, systemActor } from '../../domain/decider.js';
import { AccountRegistered } from '../../domain/identity/account/credentials.js';
import { ProfileCreated } from '../../domain/identity/profile.js';
import { ValueFreed, ValueReserved } from '../../domain/identity/reservation.js';
import { given, idOf, past } from './specification.js';

const personId = idOf(1);
const when = { actor: systemActor, newId: personId };
const input = {
  email: { address: 'ada@example.org', reservation: 'e1' },
  name: 'Ada',
  passwordHash: 'hash',
  usernames: [
    { username: 'ada', reservation: 'u1' },
    { username: 'ada1', reservation: 'u2' },
  ],
};

function registered(username: string, reservation: string) {
  return [
    AccountRegistered({ personId, email: 'ada@example.org', username, passwordHash: 'hash' }),
    onStream('emailReservation-e1', ValueReserved({ owner: personId })),
    onStream(`usernameReservation-${reservation}`, ValueReserved({ owner: personId })),
    onStream(`user-${personId}`, ProfileCreated({ personId, name: 'Ada', username })),
  ];
}

describe('RegisterAccount', () => {
  it('reserves the e-mail address and the first user name proposed', () => {
    given()
      .when('identity.RegisterAccount', input, when)
      .then(...registered('ada', 'u1'));
  });

  it('takes the next user name where one is held', () => {
    given(past('usernameReservation-u1', ValueReserved({ owner: idOf(2) })))
      .when('identity.RegisterAccount', input, when)
      .then(...registered('ada1', 'u2'));
  });

  it('refuses an e-mail address that is held', () => {
    given(past('emailReservation-e1', ValueReserved({ owner: idOf(2) })))
      .when('identity.RegisterAccount', input, when)
      .thenRefused('email-taken');
  });

  it('takes an e-mail address that was freed', () => {
    given(past('emailReservation-e1', ValueReserved({ owner: idOf(2) }), ValueFreed({ owner: idOf(2) })))
      .when('identity.RegisterAccount', input, when)
      .then(...registered('ada', 'u1'));
  });

  it('refuses when every user name proposed is held', () => {
    given(
      past('usernameReservation-u1', ValueReserved({ owner: idOf(2) })),
      past('usernameReservation-u2', ValueReserved({ owner: idOf(3) })),
    )
      .when('identity.RegisterAccount', input, when)
      .thenRefused('username-taken');
  });
});

describe('IntroducePerson', () => {
  const person = { personId, name: 'ada_l' };

  it('makes someone known once', () => {
    const created = ProfileCreated({ personId, name: 'ada_l', username: null });
    given().when('identity.IntroducePerson', person, when).then(created);
    given(past(`user-${personId}`, created))
      .when('identity.IntroducePerson', person, when)
      .thenNothing();
  });
});
