import type { Projection } from '../projection.js';
import { accounts } from './accounts.js';
import { people } from './people.js';
import { revocations, sessions } from './sessions.js';
import { settings } from './settings.js';

export const identityProjection: Projection = {
  name: 'identity',
  version: 2,
  collections: [people, settings, accounts, sessions, revocations],
};
