import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';

/** The data directory can't be used; the message says why. */
export class DataDirectoryUnusable extends Error {}

/**
 * Makes the data directory where it is missing, for our eyes only.
 * @throws {DataDirectoryUnusable}
 */
export async function prepareDataDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await access(path, constants.W_OK);
  } catch (error) {
    throw new DataDirectoryUnusable(`The data directory ${path} can't be written: ${(error as Error).message}`);
  }
}
