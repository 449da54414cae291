/** What the process's exit tells scripts. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  config: 3,
  data: 4,
  port: 5,
  store: 6,
  found: 7,
  server: 8,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const meanings: Readonly<Record<ExitCode, string>> = {
  0: 'done',
  1: 'something that nobody foresaw',
  2: "the command line can't be understood",
  3: 'a setting is missing or wrong',
  4: "the data can't be used: not writable, damaged, of another version, at odds with itself",
  5: 'the port is in use, or may not be listened on',
  6: 'the disk failed while running: what was in flight is unknown',
  7: 'a check has found something',
  8: 'a server that the settings name does not answer, or refuses us',
  130: 'stopped before it was done: by a second signal, or because draining took too long',
};

/** For every command's help. */
export function exitCodesText(): string {
  const lines = Object.entries(meanings).map(([code, meaning]) => `  ${code.padEnd(4)} ${meaning}`);
  return ['', 'Exit codes:', ...lines].join('\n');
}
