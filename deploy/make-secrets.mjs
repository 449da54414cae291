import { randomBytes } from 'node:crypto';
import { linkSync, unlinkSync, writeFileSync } from 'node:fs';

/**
 * Makes the settings that every process must have alike and nobody else may know, unless they are there already. Never
 * half a file, and never another one in place of the first: without its key, the data can't be opened.
 */

const [, , path] = process.argv;
const draft = `${path}.${process.pid}`;
const secrets = { PARLEY_MASTER_KEY: randomBytes(32).toString('base64') };
writeFileSync(draft, `${JSON.stringify(secrets, undefined, 2)}\n`, { mode: 0o600, flush: true });
try {
  linkSync(draft, path);
  console.log(`A master key was made. Keep a copy of ${path} apart from the data.`);
} catch (error) {
  if (error.code !== 'EEXIST') throw error;
} finally {
  unlinkSync(draft);
}
