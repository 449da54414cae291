import { decrypt, encrypt } from '../keys/aes-gcm.js';

/**
 * A sealed value, as it stands in stored JSON. `$sealed` names the scheme, so that others can be added. In `A256GCM`
 * there is one subject, and `value` is, in base64url, what AES-256-GCM makes under the subject's key of the value's JSON
 * text, bound to its context.
 */
export interface Sealed {
  readonly $sealed: 'A256GCM';
  /** The subjects under whose keys it is sealed. */
  readonly keys: readonly [subject: string];
  readonly value: string;
}

export function seal(key: Buffer, subject: string, context: string, value: unknown): Sealed {
  const encrypted = encrypt(key, context, Buffer.from(JSON.stringify(value)));
  return { $sealed: 'A256GCM', keys: [subject], value: encrypted.toString('base64url') };
}

/** @returns undefined if it was changed, or does not belong to this key or context */
export function unseal(key: Buffer, context: string, sealed: Sealed): { readonly value: unknown } | undefined {
  const plain = decrypt(key, context, Buffer.from(sealed.value, 'base64url'));
  return plain && { value: JSON.parse(plain.toString()) };
}

/**
 * Whether a stored value is sealed. To be asked only where sealed values may stand: users' data may look alike.
 * @throws {Error} if it is sealed in a way that this version does not know
 */
export function isSealed(value: unknown): value is Sealed {
  if (typeof value !== 'object' || value === null || !('$sealed' in value)) return false;
  const { $sealed, keys, value: text } = value as Partial<Sealed>;
  if ($sealed !== 'A256GCM') throw new Error(`a value is sealed by the unknown scheme ${$sealed}: use a newer Parley`);
  return Array.isArray(keys) && keys.length === 1 && typeof text === 'string';
}
