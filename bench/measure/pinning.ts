import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';

/** What is measured has a core of its own, and what puts load on it another one. */
const cores = { server: 0, load: 1 } as const;
export type Core = keyof typeof cores;

/** Whether processes can be bound to cores here. */
export const canPin = cpus().length > 1 && spawnSync('taskset', ['-c', '0', 'true']).status === 0;

/** The command that runs Node on a core; on any one, where processes can't be bound. */
export function nodeOn(core: Core): [command: string, ...arguments_: string[]] {
  return canPin ? ['taskset', '-c', String(cores[core]), process.execPath] : [process.execPath];
}
