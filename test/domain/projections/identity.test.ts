import { describe, expect, it } from 'vitest';
import { AccountRegistered } from '../../../domain/identity/account/credentials.js';
import { ProfileCreated } from '../../../domain/identity/profile.js';
import { identityProjection } from '../../../projections/identity/identity.js';
import { idOf, past, record } from '../specification.js';
import { fold } from './folding.js';

const ann = idOf(1);

describe('the projection of identity', () => {
  it('shows a person without what only they may see, and an account without its password', () => {
    const passwordHash = '$2b$12$secret';
    const events = record([
      ...past(`account-${ann}`, AccountRegistered({ personId: ann, email: 'a@b.org', username: 'ann', passwordHash })),
      ...past(`user-${ann}`, ProfileCreated({ personId: ann, name: 'Ann', username: 'ann' })),
    ]);
    const documents = fold(identityProjection, events);
    expect(documents).toEqual({
      [`people/${ann}`]: { name: 'Ann', username: 'ann', revision: 0 },
      [`accounts/${ann}`]: { email: 'a@b.org', username: 'ann', registeredAt: events[0]?.metadata.occurredAt },
    });
    expect(JSON.stringify(documents)).not.toContain('secret');
  });

  it('shows nothing personal of someone who was forgotten', () => {
    const events = record([
      ...past(`account-${ann}`, AccountRegistered({ personId: ann, email: null, username: null, passwordHash: null })),
      ...past(`user-${ann}`, ProfileCreated({ personId: ann, name: null, username: null })),
    ]);
    expect(fold(identityProjection, events)).toMatchObject({
      [`people/${ann}`]: { name: null, username: null },
      [`accounts/${ann}`]: { email: null, username: null },
    });
  });
});
