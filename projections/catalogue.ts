import { accessProjection } from './access/access.js';
import { auditProjection } from './audit/audit.js';
import { commandsProjection } from './commands/commands.js';
import { conversationsProjection } from './conversations/conversations.js';
import { identityProjection } from './identity/identity.js';
import { meetingsProjection } from './meetings/meetings.js';
import type { Projection } from './projection.js';
import { roomsProjection } from './rooms/rooms.js';
import { timersProjection } from './timers/timers.js';

/** Every projection of the log. */
export const projections: readonly Projection[] = [
  accessProjection,
  identityProjection,
  meetingsProjection,
  roomsProjection,
  conversationsProjection,
  commandsProjection,
  timersProjection,
  auditProjection,
];
