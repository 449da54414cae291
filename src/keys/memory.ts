import { randomBytes } from 'node:crypto';
import type { KeyStore, SecretName } from './port.js';

/** Keys in memory, for tests. */
export function memoryKeys(): KeyStore {
  const keys = new Map<string, Buffer | null>();
  const secrets = new Map<SecretName, Buffer>();
  return {
    async ensure(subjects) {
      for (const subject of subjects) if (!keys.has(subject)) keys.set(subject, randomBytes(32));
    },
    async get(subjects) {
      const found = new Map<string, Buffer | null>();
      for (const subject of subjects) {
        const key = keys.get(subject);
        if (key !== undefined) found.set(subject, key);
      }
      return found;
    },
    async destroy(subjects) {
      for (const subject of subjects) keys.set(subject, null);
    },
    async secret(name) {
      const secret = secrets.get(name) ?? randomBytes(32);
      secrets.set(name, secret);
      return secret;
    },
    async close() {},
  };
}
