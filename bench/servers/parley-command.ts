import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { nodeOn } from '../measure/pinning.js';
import { parleyProgram } from './parley.js';

/** Runs a command of the CLI on the servers' core. @returns what it prints, which is to be JSON */
export async function runParley(dataDirectory: string, ...arguments_: readonly string[]): Promise<unknown> {
  const [command, ...nodeArguments] = nodeOn('server');
  const child = spawn(command, [...nodeArguments, parleyProgram, ...arguments_, '--json'], {
    cwd: dataDirectory,
    env: { ...process.env, PARLEY_DATA_DIR: dataDirectory },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [printed, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (code !== 0) throw new Error(`parley ${arguments_[0]} has ended with ${code}`);
  return JSON.parse(printed);
}
