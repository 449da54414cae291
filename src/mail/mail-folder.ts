import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mail } from './port.js';

/** A folder of mails, each in a file that is named by whose account it is about, and by its id. */
export class MailFolder {
  readonly #forgotten = new Set<string>();

  constructor(private readonly path: string) {}

  /** @returns the file, which is not there any more if its person was forgotten meanwhile */
  async keep({ person, id }: Pick<Mail, 'person' | 'id'>, message: Buffer): Promise<string> {
    const file = join(this.path, `${person}.${id}.eml`);
    await mkdir(this.path, { recursive: true, mode: 0o700 });
    await writeFile(file, message, { mode: 0o600 });
    // Whoever forgets the person may have looked before the file was there.
    if (this.#forgotten.has(person)) await rm(file, { force: true });
    return file;
  }

  /** Removes the mails about these people, whichever process has kept them, and from now on keeps none. */
  async forget(people: readonly string[]): Promise<void> {
    for (const person of people) this.#forgotten.add(person);
    const about = (file: string) => people.some((person) => file.startsWith(`${person}.`));
    for (const file of await this.#files()) if (about(file)) await rm(join(this.path, file), { force: true });
  }

  async #files(): Promise<string[]> {
    try {
      return await readdir(this.path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }
}
