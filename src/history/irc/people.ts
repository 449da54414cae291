import { systemActor } from '../../../domain/decider.js';
import type { CommandRequest } from '../../commands/port.js';
import { foldNickname, personOfNickname } from './nickname.js';

/** Someone who comes into the channel for the first time. */
export interface Newcomer {
  readonly personId: string;
  readonly name: string;
  /** ms since 1970 */
  readonly at: number;
}

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

  /** The person under this spelling of the name; undefined where this import has introduced them already. */
  newcomer(nickname: string, at: number): Newcomer | undefined {
    const personId = this.idOf(nickname);
    if (this.#introduced.has(personId)) return undefined;
    this.#introduced.add(personId);
    return { personId, name: nickname, at };
  }
}

/** Makes the person known; one who is known already stays as they are. */
export function introductionOf({ personId, name, at }: Newcomer): CommandRequest {
  return {
    type: 'identity.IntroducePerson',
    input: { personId, name },
    actor: systemActor,
    occurredAt: at,
    origin: 'import',
  };
}
