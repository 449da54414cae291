/** Every limit of the edge. Bytes are of UTF-8, times in ms. */
export interface EdgeLimits {
  /** Largest message that a client may send. */
  readonly messageBytes: number;
  /** A connection is reset by its transport at a message this large, without the close code that smaller ones get. */
  readonly payloadBytes: number;
  /** Backlog of a socket beyond which it is behind: it leaves its feeds' topics and catches up as it drains. */
  readonly behindBytes: number;
  /** Backlog down to which a socket that is behind must drain before it is sent more. */
  readonly drainedBytes: number;
  /** Backlog at which the transport closes a socket at once. */
  readonly backlogBytes: number;
  /** Bytes of a feed's frames that are published before its sockets' backlogs are looked at again. */
  readonly uncheckedBytes: number;
  /** Bytes of a feed's frames published within one tick beyond which its followers catch up one by one instead. */
  readonly tickBytes: number;
  /** How long a socket may be behind without draining. */
  readonly behindMs: number;
  /** How long a connection may be silent; pings keep it alive. */
  readonly idleMs: number;
  /** How long a connection may last. */
  readonly lifetimeMs: number;
  /** How long a connection may take to authenticate. */
  readonly authenticationMs: number;
  readonly sockets: number;
  readonly unauthenticatedSockets: number;
  readonly socketsPerPerson: number;
  readonly subscriptionsPerSocket: number;
  /** Commands of one socket that may be in flight. */
  readonly commandsInFlight: number;
  /** Sustained and at once, of one socket. */
  readonly messagesPerSecond: number;
  readonly messagesBurst: number;
}

export const defaultLimits: EdgeLimits = {
  messageBytes: 64 * 1024,
  payloadBytes: 128 * 1024,
  behindBytes: 64 * 1024,
  drainedBytes: 16 * 1024,
  backlogBytes: 1024 * 1024,
  uncheckedBytes: 16 * 1024,
  tickBytes: 256 * 1024,
  behindMs: 30_000,
  idleMs: 60_000,
  lifetimeMs: 3 * 3_600_000,
  authenticationMs: 10_000,
  sockets: 50_000,
  unauthenticatedSockets: 1_000,
  socketsPerPerson: 20,
  subscriptionsPerSocket: 256,
  commandsInFlight: 64,
  messagesPerSecond: 100,
  messagesBurst: 400,
};
