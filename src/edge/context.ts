import type { Logger } from 'pino';
import type { Authenticator } from '../auth/session.js';
import type { CommandLimits } from '../commands/command-limits.js';
import type { CommandExecutor } from '../commands/port.js';
import type { CloseCause } from './close-codes.js';
import type { Feeds } from './feeds.js';
import type { EdgeLimits } from './limits.js';
import type { RoomAttendance } from './room-attendance.js';
import type { Sessions } from './sessions.js';
import type { Snapshots } from './snapshots.js';

/** What all sockets of an edge share. */
export interface EdgeContext {
  readonly limits: EdgeLimits;
  readonly logger: Logger;
  readonly authenticator: Authenticator;
  readonly commands: CommandExecutor;
  readonly commandLimits: CommandLimits;
  readonly feeds: Feeds;
  readonly snapshots: Snapshots;
  readonly sessions: Sessions;
  readonly attendance: RoomAttendance;
  /** Sockets closed by the edge, by cause. */
  readonly closes: Map<CloseCause, number>;
  commandsInFlight: number;
  /** New commands are refused. */
  draining: boolean;
}
