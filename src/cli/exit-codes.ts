/** What the process's exit tells scripts. */
export const exitCodes = {
  done: 0,
  /** Something that nobody foresaw. */
  failed: 1,
  /** The command line can't be understood. */
  usage: 2,
  /** A setting is missing or wrong. */
  config: 3,
  /** The data can't be used: not writable, damaged, of another version, at odds with itself. */
  data: 4,
  /** The port is in use, or may not be listened on. */
  port: 5,
  /** The disk failed while running: what was in flight is unknown. */
  store: 6,
  /** A check has found something. */
  found: 7,
  /** A server that the settings name does not answer, or refuses us. */
  server: 8,
  /** Stopped before it was done: by a second signal, or because draining took too long. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
