import { describe, it } from 'vitest';
import { onStream, systemActor } from '../../../domain/decider.js';
import { AccountDeactivated, AccountReactivated, RoleAssigned } from '../../../domain/identity/account/credentials.js';
import { SessionsEnded } from '../../../domain/identity/account/sessions.js';
import { AdminGained, AdminLost } from '../../../domain/identity/platform-security.js';
import { given, past } from '../specification.js';
import {
  admin,
  ann,
  annId,
  bobId,
  deactivated,
  forgotten,
  isAdmin,
  others,
  reactivated,
  registered,
} from './people.js';

const ofAnn = { personId: annId };
const asAdmin = { actor: admin };
const asSystem = { actor: systemActor };
const annAsAdmin = { actor: { ...ann, role: 'admin' as const } };

const inPlatform = (event: ReturnType<typeof AdminGained | typeof AdminLost>) => onStream('platform-security', event);
const gained = inPlatform(AdminGained({ personId: annId }));
const lost = inPlatform(AdminLost({ personId: annId }));
/** Who is known to be an admin. */
const admins = (...ids: string[]) => past('platform-security', ...ids.map((personId) => AdminGained({ personId })));

const missing = [
  ['that is not there', []],
  ['whose person was forgotten', [...registered, ...forgotten]],
] as const;

describe('AssignRole', () => {
  const input = { personId: annId, role: 'moderator' };
  const assigned = RoleAssigned({ personId: annId, role: 'moderator' });

  it.each([asAdmin, asSystem])('is for admins, and for the system: the first one', (who) => {
    given(registered).when('identity.AssignRole', input, who).then(assigned);
    given(registered, isAdmin, admins(annId, bobId)).when('identity.AssignRole', input, who).then(assigned, lost);
  });

  it('makes an admin, and the platform knows of it', () => {
    const toAdmin = { ...input, role: 'admin' };
    const promoted = RoleAssigned({ personId: annId, role: 'admin' });
    given(registered).when('identity.AssignRole', toAdmin, asAdmin).then(promoted, gained);
    given(registered, isAdmin, admins(annId)).when('identity.AssignRole', toAdmin, asAdmin).thenNothing();
    given(registered, deactivated).when('identity.AssignRole', toAdmin, asAdmin).then(promoted);
  });

  it('makes known an admin of whom the platform does not know yet', () => {
    given(registered, isAdmin)
      .when('identity.AssignRole', { ...input, role: 'admin' }, asSystem)
      .then(RoleAssigned({ personId: annId, role: 'admin' }), gained);
  });

  it.each([asAdmin, asSystem])('leaves the last admin theirs', (who) => {
    given(registered, isAdmin, admins(annId)).when('identity.AssignRole', input, who).thenRefused('last-admin');
    given(registered, isAdmin).when('identity.AssignRole', input, who).thenRefused('last-admin');
    given(registered, isAdmin, deactivated).when('identity.AssignRole', input, who).then(assigned);
  });

  it.each(others)('is not for a $role', (actor) => {
    given(registered).when('identity.AssignRole', input, { actor }).thenRefused('forbidden');
  });

  it('is nothing that anybody does for themselves', () => {
    given(registered).when('identity.AssignRole', input, { actor: ann }).thenRefused('forbidden');
    given(registered, isAdmin).when('identity.AssignRole', input, annAsAdmin).thenRefused('forbidden');
  });

  it('does nothing where it is so already', () => {
    given(registered)
      .when('identity.AssignRole', { ...input, role: 'member' }, asAdmin)
      .thenNothing();
  });

  it.each(missing)('is refused for an account %s', (_which, history) => {
    given([...history])
      .when('identity.AssignRole', input, asAdmin)
      .thenRefused('not-found');
  });

  it('is also for an account that is shut', () => {
    given(registered, deactivated).when('identity.AssignRole', input, asAdmin).then(assigned);
  });
});

describe('DeactivateAccount', () => {
  const shut = (reason: string | null = null) => [
    AccountDeactivated({ personId: annId, reason }),
    SessionsEnded({ personId: annId, except: null, reason: 'deactivated' }),
  ];

  it.each([{ actor: ann }, asAdmin, asSystem])('shuts the account and ends its sessions', (who) => {
    given(registered)
      .when('identity.DeactivateAccount', ofAnn, who)
      .then(...shut());
  });

  it('keeps the reason', () => {
    given(registered)
      .when('identity.DeactivateAccount', { ...ofAnn, reason: ' spam ' }, asAdmin)
      .then(...shut('spam'));
  });

  it.each(others)('is not for a $role, where the account is another’s', (actor) => {
    given(registered).when('identity.DeactivateAccount', ofAnn, { actor }).thenRefused('forbidden');
    given(registered, isAdmin).when('identity.DeactivateAccount', ofAnn, { actor }).thenRefused('forbidden');
  });

  it('also shuts an admin’s, by themselves or by another', () => {
    for (const who of [annAsAdmin, asAdmin]) {
      given(registered, isAdmin, admins(annId, bobId))
        .when('identity.DeactivateAccount', ofAnn, who)
        .then(...shut(), lost);
    }
  });

  it('leaves the last admin theirs', () => {
    for (const who of [annAsAdmin, asAdmin]) {
      given(registered, isAdmin, admins(annId))
        .when('identity.DeactivateAccount', ofAnn, who)
        .thenRefused('last-admin');
    }
  });

  it('does nothing where it is shut', () => {
    given(registered, deactivated).when('identity.DeactivateAccount', ofAnn, asAdmin).thenNothing();
  });

  it.each(missing)('is refused for an account %s', (_which, history) => {
    given([...history])
      .when('identity.DeactivateAccount', ofAnn, asAdmin)
      .thenRefused('not-found');
  });
});

describe('ReactivateAccount', () => {
  const opened = AccountReactivated({ personId: annId });

  it.each([asAdmin, asSystem])('opens the account again', (who) => {
    given(registered, deactivated).when('identity.ReactivateAccount', ofAnn, who).then(opened);
  });

  it('makes an admin one again, and the platform knows of it', () => {
    given(registered, isAdmin, deactivated).when('identity.ReactivateAccount', ofAnn, asAdmin).then(opened, gained);
    const history = [registered, isAdmin, deactivated, reactivated, admins(annId, bobId)];
    given(...history)
      .when('identity.DeactivateAccount', ofAnn, asAdmin)
      .then(
        AccountDeactivated({ personId: annId, reason: null }),
        SessionsEnded({ personId: annId, except: null, reason: 'deactivated' }),
        lost,
      );
  });

  it.each([ann, ...others])('is not for those who were shut out, nor for a $role', (actor) => {
    given(registered, deactivated).when('identity.ReactivateAccount', ofAnn, { actor }).thenRefused('forbidden');
  });

  it('does nothing where it is open', () => {
    given(registered).when('identity.ReactivateAccount', ofAnn, asAdmin).thenNothing();
  });

  it.each(missing)('is refused for an account %s', (_which, history) => {
    given([...history])
      .when('identity.ReactivateAccount', ofAnn, asAdmin)
      .thenRefused('not-found');
  });
});
