import type { Projection } from '../projection.js';
import { entries } from './entries.js';
import { sessionTrail } from './session-trail.js';

/** Who did what, from where. */
export const auditProjection: Projection = { name: 'audit', version: 1, collections: [entries, sessionTrail] };
