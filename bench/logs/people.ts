import { randomUUID } from 'node:crypto';
import { AccountRegistered } from '../../domain/identity/account/credentials.js';
import { SessionBegan } from '../../domain/identity/account/sessions.js';
import { streamName } from '../../domain/ids.js';
import { type Stores, withStores } from './stores.js';
import { StreamWriter } from './stream-writer.js';

const dayMs = 24 * 60 * 60 * 1_000;

/** Writes accounts of people who are logged in, each with a session of the same id. @returns their ids */
export async function enrol(stores: Stores, count: number): Promise<string[]> {
  const people = Array.from({ length: count }, () => randomUUID());
  const expiresAt = new Date(Date.now() + dayMs).toISOString();
  for (const personId of people) {
    const account = new StreamWriter(stores, streamName('account', personId));
    await account.add(AccountRegistered({ personId, email: null, username: null, passwordHash: null }));
    const began = {
      personId,
      sessionId: personId,
      method: 'password',
      expiresAt,
      address: null,
      userAgent: null,
    } as const;
    await account.add(SessionBegan(began));
    await account.flush();
  }
  return people;
}

/** As `enrol`, in a data directory that no server uses yet. */
export async function enrolIn(directory: string, count: number): Promise<string[]> {
  return withStores(directory, (stores) => enrol(stores, count));
}
