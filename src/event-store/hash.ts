import { hash } from 'node:crypto';
import type { HashEvent } from './codec.js';

/**
 * The hash that chains a stream's events, and that can never be changed: SHA-256, base64url without padding, of the
 * UTF-8 text of the JSON array
 *
 *     [stream,revision,id,type,metadata,data]
 *
 * without white space between its parts; `metadata` and `data` stand in it as the JSON texts that are stored, byte for
 * byte. Metadata holds `prevHash`, so that each hash covers the whole stream before it.
 */
export const hashEvent: HashEvent = ({ stream, revision, id, type, metadata, data }) =>
  hash(
    'sha256',
    `[${JSON.stringify(stream)},${revision},${JSON.stringify(id)},${JSON.stringify(type)},${metadata},${data}]`,
    'base64url',
  );
