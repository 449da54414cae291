import type { Command } from 'commander';
import { rotateSigningKey } from '../auth/signing-key-rotation.js';
import { type Data, withData } from './data.js';
import { printJson, printLines } from './output.js';
import { withPipeline } from './pipeline.js';

interface KeysOptions {
  readonly json?: boolean;
}

export function addKeys(program: Command): void {
  const keys = program.command('keys').description('the keys that sign access tokens');
  keys
    .command('rotate-signing')
    .description('introduce a new key that signs access tokens; nobody is logged out')
    .option('--json', 'print the result as JSON')
    .action((options: KeysOptions) => withData((data) => rotateSigning(data, options)));
}

async function rotateSigning(data: Data, { json }: KeysOptions): Promise<void> {
  const { kid, signsFrom } = await withPipeline(data, (pipeline) => rotateSigningKey({ ...data, pipeline }));
  const from = new Date(signsFrom).toISOString();
  if (json) printJson({ kid, signsFrom: from, usesSharedSecret: data.config.jwtSecret !== undefined });
  else printLines([`Key ${kid} signs access tokens from ${from} on.`, ...remarks(data)]);
}

function remarks({ config }: Data): string[] {
  if (config.jwtSecret === undefined) return [];
  return ['While JWT_SECRET is set, that signs them instead.'];
}
