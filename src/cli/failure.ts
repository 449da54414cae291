import { InvalidConfig } from '../config.js';
import { DataDirectoryUnusable } from '../data-directory.js';
import { KeysUnusable } from '../keys/port.js';
import { CheckpointAhead } from '../projector/checkpoint-ahead.js';
import { ReadStoreUnusable } from '../read-store/port.js';
import { SecretsUnusable } from '../secrets.js';
import { ServerUnavailable } from '../server-unavailable.js';
import { StoreUnusable } from '../sqlite/database.js';
import { type ExitCode, exitCodes } from './exit-codes.js';

export interface Failure {
  /** What went wrong and what to do, a line each. */
  readonly lines: readonly string[];
  readonly exitCode: ExitCode;
}

const unusableData = [
  DataDirectoryUnusable,
  SecretsUnusable,
  StoreUnusable,
  KeysUnusable,
  ReadStoreUnusable,
  CheckpointAhead,
];

/** What to say of an error that ends a command, and how to end. */
export function failureOf(error: unknown): Failure {
  if (error instanceof InvalidConfig) return { lines: error.faults, exitCode: exitCodes.config };
  if (unusableData.some((kind) => error instanceof kind)) return failure(error as Error, exitCodes.data);
  if (error instanceof ServerUnavailable) return failure(error, exitCodes.server);
  const { code, port, address } = error as NodeJS.ErrnoException & { port?: number; address?: string };
  if (code === 'EADDRINUSE') return told(`Port ${port} of ${address} is in use: choose another one.`, exitCodes.port);
  if (code === 'EACCES' && port !== undefined) return told(`Port ${port} may not be listened on.`, exitCodes.port);
  if (code === 'EADDRNOTAVAIL') return told(`${address} is no address of this machine.`, exitCodes.port);
  return failure(error, exitCodes.failed);
}

function failure(error: unknown, exitCode: ExitCode): Failure {
  return told(error instanceof Error ? error.message : String(error), exitCode);
}

function told(line: string, exitCode: ExitCode): Failure {
  return { lines: [line.replaceAll(/\s*\n\s*/g, ' ')], exitCode };
}

/** Says it on stderr and ends the process. */
export function exitWith({ lines, exitCode }: Failure): never {
  for (const line of lines) process.stderr.write(`parley: ${line}\n`);
  process.exit(exitCode);
}
