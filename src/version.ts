import { createRequire } from 'node:module';

/** As in package.json, which is beside `dist` when built and beside `src` when not. */
export const version: string = readVersion();

function readVersion(): string {
  const require = createRequire(import.meta.url);
  for (const path of ['../package.json', '../../package.json']) {
    try {
      return (require(path) as { version: string }).version;
    } catch {}
  }
  throw new Error('package.json is missing');
}
