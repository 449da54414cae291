import { randomBytes } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Config } from './config.js';
import type { MasterKey } from './keys/master-keys.js';

const kept = z.object({ masterKey: z.base64() });
type Kept = z.infer<typeof kept>;

/** The secrets file of the data directory can't be used. */
export class SecretsUnusable extends Error {}

/**
 * The master keys that were set, or else the one that development keeps in the data directory: made at the first start.
 * @throws {SecretsUnusable}
 */
export async function loadMasterKeys({ masterKeys, dataDirectory }: Config): Promise<readonly MasterKey[]> {
  if (masterKeys !== undefined) return masterKeys;
  const made = await keepSecrets(join(dataDirectory, 'secrets.json'));
  return [{ version: 1, key: Buffer.from(made.masterKey, 'base64') }];
}

async function keepSecrets(path: string): Promise<Kept> {
  const made: Kept = { masterKey: randomBytes(32).toString('base64') };
  return (await readKept(path)) ?? (await create(path, made)) ?? ((await readKept(path)) as Kept);
}

async function readKept(path: string): Promise<Kept | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new SecretsUnusable(`${path} can't be read: ${error.message}`);
  });
  if (text === undefined) return undefined;
  try {
    return kept.parse(JSON.parse(text));
  } catch {
    throw new SecretsUnusable(`${path} is damaged: restore it, since without it the data can't be opened`);
  }
}

/** Never half a file, never over another process's. @returns undefined if another one was there first */
async function create(path: string, secrets: Kept): Promise<Kept | undefined> {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    await writeFile(draft, `${JSON.stringify(secrets, undefined, 2)}\n`, { mode: 0o600, flush: true });
    await link(draft, path);
    return secrets;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw new SecretsUnusable(`${path} can't be written: ${(error as Error).message}`);
  } finally {
    await rm(draft, { force: true });
  }
}
