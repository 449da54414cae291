import { randomUUID } from 'node:crypto';
import { systemActor } from '../../domain/decider.js';
import { platformSecurity, platformSecurityStream } from '../../domain/identity/platform-security.js';
import type { CommandPipeline } from '../commands/port.js';
import type { KeyStore } from '../keys/port.js';
import { type IntroducedKey, type KeyPeriod, keyPeriods } from './signing-keys.js';

interface RotationOptions {
  readonly keys: Pick<KeyStore, 'secret'>;
  readonly pipeline: CommandPipeline;
}

/** Introduces the first key that signs access tokens, where there is none. */
export async function ensureSigningKey(options: RotationOptions): Promise<void> {
  if ((await introducedKeys(options)).length === 0) await rotateSigningKey(options);
}

/**
 * Introduces a key that will sign in place of the newest one.
 * @returns that key, or the one that another process has introduced in the same place
 */
export async function rotateSigningKey(options: RotationOptions): Promise<KeyPeriod> {
  const before = await introducedKeys(options);
  const kid = randomUUID();
  // Before the log names the key, which must not be without its secret.
  await options.keys.secret(`signing/${kid}`);
  await options.pipeline.execute({
    type: 'identity.IntroduceSigningKey',
    actor: systemActor,
    input: { kid, after: before.at(-1)?.kid ?? null },
  });
  return keyPeriods(await introducedKeys(options))[before.length] as KeyPeriod;
}

async function introducedKeys({ pipeline }: RotationOptions): Promise<readonly IntroducedKey[]> {
  const { signingKeys } = await pipeline.loadState(platformSecurity, platformSecurityStream);
  // The state itself goes on changing.
  return [...signingKeys];
}
