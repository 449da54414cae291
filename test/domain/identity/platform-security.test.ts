import { describe, expect, it } from 'vitest';
import { commands } from '../../../domain/catalogue.js';
import { type Actor, type AnyCommandDefinition, systemActor } from '../../../domain/decider.js';
import {
  AddressRuleAdded,
  AddressRuleRemoved,
  AdminGained,
  AdminLost,
  AllSessionsRevoked,
  KeyDestructionOrdered,
  type PlatformSecurityState,
  platformSecurity,
  SigningKeyIntroduced,
} from '../../../domain/identity/platform-security.js';
import { fold, given, idOf, noon, past, pastAt, record, someId } from '../specification.js';
import { admin, annId, others } from './people.js';

const ofPlatform = (...events: Parameters<typeof past>[1][]) => past('platform-security', ...events);
const asAdmin = { actor: admin };
const asSystem = { actor: systemActor };

const rule = { cidr: '192.0.2.0/24', action: 'deny' as const };
const added = AddressRuleAdded({ ruleId: someId, ...rule, note: null });

describe('AddAddressRule', () => {
  it('is for admins', () => {
    given().when('identity.AddAddressRule', rule, asAdmin).then(added);
  });

  it.each(others)('is not for a $role', (actor) => {
    given().when('identity.AddAddressRule', rule, { actor }).thenRefused('forbidden');
  });

  it('takes a note', () => {
    given()
      .when('identity.AddAddressRule', { ...rule, note: ' a scraper ' }, asAdmin)
      .then(AddressRuleAdded({ ruleId: someId, ...rule, note: 'a scraper' }));
  });

  it('does not shut out who makes it', () => {
    given()
      .when('identity.AddAddressRule', { ...rule, locksOutCaller: true }, asAdmin)
      .thenRefused('locks-out-caller');
  });

  it('takes each once, and a range for either action', () => {
    given(ofPlatform(added)).when('identity.AddAddressRule', rule, asAdmin).thenRefused('already-exists');
    given(ofPlatform(added))
      .when('identity.AddAddressRule', { ...rule, action: 'allow' }, asAdmin)
      .then(AddressRuleAdded({ ruleId: someId, ...rule, action: 'allow', note: null }));
  });

  it('takes a thousand', () => {
    const many = Array.from({ length: 1_000 }, (_, n) =>
      AddressRuleAdded({ ruleId: idOf(1), cidr: `10.${n >> 8}.${n & 255}.0/24`, action: 'deny', note: null }),
    );
    given(ofPlatform(...many))
      .when('identity.AddAddressRule', rule, asAdmin)
      .thenRefused('too-many');
  });

  it.each([
    ['2001:db8::/32', true],
    ['192.0.2.1/32', true],
    ['192.0.2.1', false],
    ['192.0.2.0/33', false],
    ['example.org', false],
    ['', false],
  ])('takes the range %j: %s', (cidr, accepted) => {
    const { input } = commands.get('identity.AddAddressRule') as AnyCommandDefinition;
    expect(input.safeParse({ ...rule, cidr }).success).toBe(accepted);
  });
});

describe('RemoveAddressRule', () => {
  const input = { ruleId: someId };

  it('takes a rule back, once', () => {
    const removed = AddressRuleRemoved(input);
    given(ofPlatform(added)).when('identity.RemoveAddressRule', input, asAdmin).then(removed);
    given(ofPlatform(added, removed)).when('identity.RemoveAddressRule', input, asAdmin).thenRefused('not-found');
  });

  it('does not shut out who takes it back', () => {
    given(ofPlatform(added))
      .when('identity.RemoveAddressRule', { ...input, locksOutCaller: true }, asAdmin)
      .thenRefused('locks-out-caller');
  });

  it.each(others)('is not for a $role', (actor) => {
    given(ofPlatform(added)).when('identity.RemoveAddressRule', input, { actor }).thenRefused('forbidden');
  });
});

describe('IntroduceSigningKey', () => {
  const [first, second] = [idOf(1), idOf(2)];
  const introduced = SigningKeyIntroduced({ kid: first });

  it('introduces the first one, and one after another', () => {
    given().when('identity.IntroduceSigningKey', { kid: first, after: null }, asSystem).then(introduced);
    given(ofPlatform(introduced))
      .when('identity.IntroduceSigningKey', { kid: second, after: first }, asSystem)
      .then(SigningKeyIntroduced({ kid: second }));
  });

  it('introduces none where another process was first', () => {
    given(ofPlatform(introduced))
      .when('identity.IntroduceSigningKey', { kid: second, after: null }, asSystem)
      .thenNothing();
  });

  it('is the system’s alone', () => {
    given().when('identity.IntroduceSigningKey', { kid: first, after: null }, asAdmin).thenRefused('forbidden');
  });
});

describe('RevokeAllSessions', () => {
  it('ends every session that began before', () => {
    given().when('identity.RevokeAllSessions', {}, asSystem).then(AllSessionsRevoked({}));
  });

  it.each<Actor>([admin, ...others])('is not for a $role', (actor) => {
    given().when('identity.RevokeAllSessions', {}, { actor }).thenRefused('forbidden');
  });
});

describe('the platform’s security', () => {
  it('knows its rules, its keys, since when sessions count, who was forgotten, and who is an admin', () => {
    const history = [
      ...pastAt(noon, 'platform-security', added, SigningKeyIntroduced({ kid: idOf(1) }), AllSessionsRevoked({})),
      ...ofPlatform(
        KeyDestructionOrdered({ personId: annId }),
        AdminGained({ personId: idOf(1) }),
        AdminGained({ personId: idOf(2) }),
        AdminLost({ personId: idOf(1) }),
      ),
    ];
    const state = fold(platformSecurity, record(history), 'platform-security') as PlatformSecurityState;
    expect(state).toMatchObject({
      addressRules: [{ id: someId, ...rule, note: null, addedAt: new Date(noon).toISOString() }],
      signingKeys: [{ kid: idOf(1), introducedAt: noon }],
      sessionsRevokedAt: noon,
      forgotten: [annId],
      admins: [idOf(2)],
    });
  });
});
