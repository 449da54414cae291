import { describe, expect, it } from 'vitest';
import { commands } from '../../../domain/catalogue.js';
import { type AnyCommandDefinition, onStream, systemActor } from '../../../domain/decider.js';
import {
  PersonForgotten,
  ProfileChanged,
  ProfileCreated,
  SettingsChanged,
  UsernameChanged,
} from '../../../domain/identity/profile.js';
import { ValueFreed, ValueReserved } from '../../../domain/identity/reservation.js';
import { given, past } from '../specification.js';
import { admin, ann, annId, bobId, others } from './people.js';

const asAnn = { actor: ann };
const asAdmin = { actor: admin };
const annsProfile = `user-${annId}`;
const known = past(annsProfile, ProfileCreated({ personId: annId, name: 'Ann', username: 'ann' }));
const forgotten = past(annsProfile, PersonForgotten({ personId: annId }));

const accepts = (type: string, input: unknown) =>
  (commands.get(type) as AnyCommandDefinition).input.safeParse(input).success;

describe('IntroducePerson', () => {
  const input = { personId: annId, name: 'ann_l' };
  const asSystem = { actor: systemActor };

  it('makes someone known once', () => {
    const created = ProfileCreated({ personId: annId, name: 'ann_l', username: null });
    given().when('identity.IntroducePerson', input, asSystem).then(created);
    given(past(annsProfile, created)).when('identity.IntroducePerson', input, asSystem).thenNothing();
    given(known, forgotten).when('identity.IntroducePerson', input, asSystem).thenNothing();
  });
});

describe('ChangeProfile', () => {
  const input = { personId: annId, name: 'Ann Lee', avatar: null, timeZone: 'Europe/Berlin', locale: 'de-AT' };

  it.each([asAnn, asAdmin])('replaces what is told of the person', (who) => {
    given(known).when('identity.ChangeProfile', input, who).then(ProfileChanged(input));
  });

  it.each(others)('is not for a $role, where the profile is another’s', (actor) => {
    given(known).when('identity.ChangeProfile', input, { actor }).thenRefused('forbidden');
  });

  it('needs someone who is known', () => {
    given().when('identity.ChangeProfile', input, asAdmin).thenRefused('not-found');
    given(known, forgotten).when('identity.ChangeProfile', input, asAnn).thenRefused('not-found');
  });

  it.each([
    [{ name: 'A' }, false],
    [{ name: ' A ' }, false],
    [{ name: 'a'.repeat(50) }, true],
    [{ name: 'a'.repeat(51) }, false],
    [{ timeZone: null, locale: null, name: null }, true],
    [{ timeZone: 'Europe/Atlantis' }, false],
    [{ timeZone: 'a'.repeat(65) }, false],
    [{ locale: 'nonsense!' }, false],
    [{ locale: 'zh-Hant-TW' }, true],
    [{ avatar: '' }, false],
    [{ avatar: 'a'.repeat(2_048) }, true],
    [{ avatar: 'a'.repeat(2_049) }, false],
    [{ role: 'admin' }, false],
  ])('takes %o: %s', (over, accepted) => {
    expect(accepts('identity.ChangeProfile', { ...input, ...over })).toBe(accepted);
  });
});

describe('ChangeUsername', () => {
  const input = { personId: annId, username: 'lee', reservation: 'u2', formerReservation: 'u1', formerRevision: 0 };
  const reserved = past('usernameReservation-u1', ValueReserved({ owner: annId }));
  const renamed = UsernameChanged({ personId: annId, username: 'lee' });
  const took = onStream('usernameReservation-u2', ValueReserved({ owner: annId }));
  const freed = onStream('usernameReservation-u1', ValueFreed({ owner: annId }));

  it.each([asAnn, asAdmin])('reserves the new name and frees the old one', (who) => {
    given(known, reserved).when('identity.ChangeUsername', input, who).then(renamed, took, freed);
  });

  it('refuses a name that is another’s', () => {
    given(known, reserved, past('usernameReservation-u2', ValueReserved({ owner: bobId })))
      .when('identity.ChangeUsername', input, asAnn)
      .thenRefused('username-taken');
  });

  it('keeps the reservation where only the spelling changes', () => {
    given(known, reserved)
      .when('identity.ChangeUsername', { ...input, username: 'Ann', reservation: 'u1' }, asAnn)
      .then(UsernameChanged({ personId: annId, username: 'Ann' }));
  });

  it('gives a name to who has none', () => {
    given(past(annsProfile, ProfileCreated({ personId: annId, name: 'Ann', username: null })))
      .when('identity.ChangeUsername', { ...input, formerReservation: null }, asAdmin)
      .then(renamed, took);
  });

  it('leaves no name reserved that was taken meanwhile', () => {
    given(known, reserved, past(annsProfile, UsernameChanged({ personId: annId, username: 'other' })))
      .when('identity.ChangeUsername', input, asAnn)
      .thenRefused('stale-version');
  });

  it.each(others)('is not for a $role, where the name is another’s', (actor) => {
    given(known, reserved).when('identity.ChangeUsername', input, { actor }).thenRefused('forbidden');
  });

  it('needs someone who is known', () => {
    given().when('identity.ChangeUsername', input, asAdmin).thenRefused('not-found');
    given(known, forgotten).when('identity.ChangeUsername', input, asAnn).thenRefused('not-found');
  });
});

describe('ChangeSettings', () => {
  const input = { personId: annId, settings: { theme: 'dark', volumes: [1, { a: null }] } };

  it('replaces them', () => {
    given(known).when('identity.ChangeSettings', input, asAnn).then(SettingsChanged(input));
  });

  it.each([admin, ...others])('is nobody else’s business, not even a $role’s', (actor) => {
    given(known).when('identity.ChangeSettings', input, { actor }).thenRefused('forbidden');
  });

  it('needs someone who is known', () => {
    given(known, forgotten).when('identity.ChangeSettings', input, asAnn).thenRefused('not-found');
  });

  it.each([
    ['32 KiB', { text: 'a'.repeat(32_768 - '{"text":""}'.length) }, true],
    ['more', { text: 'a'.repeat(32_769 - '{"text":""}'.length) }, false],
    ['a list', [1], false],
    ['a name of no letters', { '': 1 }, false],
  ])('takes %s: %3$s', (_what, settings, accepted) => {
    expect(accepts('identity.ChangeSettings', { personId: annId, settings })).toBe(accepted);
  });
});
