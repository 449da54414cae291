import { createCipheriv, createDecipheriv } from 'node:crypto';
import { RandomPool } from '../random-pool.js';

/**
 * AES-256-GCM (NIST SP 800-38D): nonce of 12 bytes, ciphertext, tag of 16 bytes, in this order. The nonce is random:
 * a key may encrypt 2^32 texts before two are likely to share one.
 */

const nonceBytes = 12;
const tagBytes = 16;
const tag = { authTagLength: tagBytes };

const nonces = new RandomPool(nonceBytes, 512);

/** @param context what the text belongs to: it can be decrypted only where the same is given */
export function encrypt(key: Buffer, context: string, plain: Buffer): Buffer {
  const nonce = nonces.next();
  const cipher = createCipheriv('aes-256-gcm', key, nonce, tag);
  cipher.setAAD(Buffer.from(context));
  const ciphertext = cipher.update(plain);
  cipher.final();
  return Buffer.concat([nonce, ciphertext, cipher.getAuthTag()]);
}

/** @returns undefined if it was changed, or was encrypted under another key or for another context */
export function decrypt(key: Buffer, context: string, encrypted: Buffer): Buffer | undefined {
  const end = encrypted.length - tagBytes;
  if (end < nonceBytes) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, encrypted.subarray(0, nonceBytes), tag);
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(encrypted.subarray(end));
  const plain = decipher.update(encrypted.subarray(nonceBytes, end));
  try {
    decipher.final();
    return plain;
  } catch {
    return undefined;
  }
}
