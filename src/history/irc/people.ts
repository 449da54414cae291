import { systemActor } from '../../../domain/decider.js';
import type { CommandRequest } from '../../commands/port.js';
import { foldNickname, personOfNickname } from './nickname.js';

/** The people behind nicknames, and which of them this import has introduced. */
export class People {
  readonly #ids = new Map<string, string>();
  readonly #introduced = new Set<string>();

  /** @param key - makes people's ids from their nicknames */
  constructor(private readonly key: Buffer) {}

  idOf(nickname: string): string {
    const folded = foldNickname(nickname);
    const known = this.#ids.get(folded);
    if (known) return known;
    const id = personOfNickname(nickname, this.key);
    this.#ids.set(folded, id);
    return id;
  }

  /** What makes the person known under this spelling of the name; undefined where this import has done so already. */
  introduction(nickname: string, at: number): CommandRequest | undefined {
    const personId = this.idOf(nickname);
    if (this.#introduced.has(personId)) return undefined;
    this.#introduced.add(personId);
    return {
      type: 'identity.IntroducePerson',
      input: { personId, name: nickname },
      actor: systemActor,
      occurredAt: at,
      origin: 'import',
    };
  }
}
