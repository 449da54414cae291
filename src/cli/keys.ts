import type { Command } from 'commander';
import { platformSecurity, platformSecurityStream } from '../../domain/identity/platform-security.js';
import { rotateSigningKey } from '../auth/signing-key-rotation.js';
import { keyPeriods } from '../auth/signing-keys.js';
import { type Data, withData } from './data.js';
import { exitCodes } from './exit-codes.js';
import { interruption } from './interruption.js';
import { grouped, printJson, printLines } from './output.js';
import { withPipeline } from './pipeline.js';
import { startProgress } from './progress.js';

interface KeysOptions {
  readonly json?: boolean;
}

export function addKeys(program: Command): void {
  const keys = program.command('keys').description('the keys that sign access tokens, and those that open the log');
  const add = (name: string, description: string, act: (data: Data, options: KeysOptions) => Promise<number>) =>
    keys
      .command(name)
      .description(description)
      .option('--json', 'print the result as JSON')
      .action(async (options: KeysOptions) => {
        process.exitCode = await withData((data) => act(data, options));
      });
  add('status', 'list the master keys that are in use, and the keys that sign access tokens', showStatus);
  add('rewrap', 'wrap all keys by the newest master key, so that older ones can be left out', rewrap);
  add('rotate-signing', 'introduce a new key that signs access tokens; nobody is logged out', rotateSigning);
}

interface MasterKeyStatus {
  readonly version: number;
  readonly isNewest: boolean;
  /** Keys and secrets under it. */
  readonly keys: number;
}

async function masterKeysOf({ keys, masterKeys }: Data): Promise<MasterKeyStatus[]> {
  const counts = await keys.countByMasterKey();
  const versions = masterKeys.map(({ version }) => version);
  const newest = Math.max(...versions);
  return versions
    .toSorted((one, other) => other - one)
    .map((version) => ({ version, isNewest: version === newest, keys: counts.get(version) ?? 0 }));
}

async function showStatus(data: Data, { json }: KeysOptions): Promise<number> {
  const masterKeys = await masterKeysOf(data);
  const signingKeys = await withPipeline(data, async (pipeline) => {
    return keyPeriods((await pipeline.loadState(platformSecurity, platformSecurityStream)).signingKeys);
  });
  const usesSharedSecret = data.config.jwtSecret !== undefined;
  if (json) {
    const told = signingKeys.map(({ kid, signsFrom, goodUntil }) => ({
      kid,
      signsFrom: timeOf(signsFrom),
      goodUntil: Number.isFinite(goodUntil) ? timeOf(goodUntil) : null,
    }));
    printJson({ masterKeys, signingKeys: told, usesSharedSecret });
  } else {
    printLines([
      ...masterKeys.map(describeMasterKey),
      ...signingKeys.map(({ kid, signsFrom }) => `Signing key ${kid}: from ${timeOf(signsFrom)} on`),
      ...(usesSharedSecret ? ['JWT_SECRET is set: that signs access tokens.'] : []),
    ]);
  }
  return exitCodes.done;
}

function describeMasterKey({ version, isNewest, keys }: MasterKeyStatus): string {
  const held = `Master key ${version}: ${grouped(keys)} keys are under it`;
  if (isNewest) return `${held}, and new ones`;
  return keys === 0 ? `${held}: it can be left out` : `${held}: \`parley keys rewrap\` before it is left out`;
}

async function rewrap(data: Data, { json }: KeysOptions): Promise<number> {
  const total = (await masterKeysOf(data)).reduce((sum, { isNewest, keys }) => sum + (isNewest ? 0 : keys), 0);
  const progress = startProgress('Wrapping', total, !json);
  const signal = interruption();
  let rewrapped = 0;
  try {
    await data.keys.rewrap({
      signal,
      onProgress(done) {
        rewrapped = done;
        progress.update(done, `${grouped(done)} keys`);
      },
    });
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    progress.stop();
  }
  const masterKeys = await masterKeysOf(data);
  if (json) printJson({ rewrapped, interrupted: signal.aborted, masterKeys });
  else printLines([`${grouped(rewrapped)} keys were wrapped anew.`, ...masterKeys.map(describeMasterKey)]);
  return signal.aborted ? exitCodes.interrupted : exitCodes.done;
}

async function rotateSigning(data: Data, { json }: KeysOptions): Promise<number> {
  const { kid, signsFrom } = await withPipeline(data, (pipeline) => rotateSigningKey({ ...data, pipeline }));
  const usesSharedSecret = data.config.jwtSecret !== undefined;
  if (json) printJson({ kid, signsFrom: timeOf(signsFrom), usesSharedSecret });
  else {
    printLines([
      `Key ${kid} signs access tokens from ${timeOf(signsFrom)} on.`,
      ...(usesSharedSecret ? ['JWT_SECRET is set: while it is, that signs them.'] : []),
    ]);
  }
  return exitCodes.done;
}

function timeOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
