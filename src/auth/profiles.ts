import type { Actor } from '../../domain/decider.js';
import type { CommandPipeline, CommandReply } from '../commands/port.js';
import type { AccountReader, User } from './account-reader.js';
import type { Reservations } from './reservations.js';

export interface ProfilesOptions {
  readonly pipeline: Pick<CommandPipeline, 'execute'>;
  readonly reader: AccountReader;
  readonly reservations: Reservations;
}

/** What is to be changed of a profile; what is left out stays. */
export interface ProfileChanges {
  readonly name?: string | undefined;
  readonly username?: string | undefined;
  readonly avatar?: string | null | undefined;
  readonly timeZone?: string | null | undefined;
  readonly locale?: string | null | undefined;
}

/** Changes what people are known by. */
export class Profiles {
  constructor(private readonly options: ProfilesOptions) {}

  /** The user name first, since it may be taken. */
  async change(actor: Actor, personId: string, { username, ...changes }: ProfileChanges): Promise<CommandReply & User> {
    const { pipeline, reader } = this.options;
    const renamed = username === undefined ? undefined : await this.#changeUsername(actor, personId, username);
    const { name, avatar, timeZone, locale } = { ...(await reader.user(personId)), ...given(changes) };
    const input = { personId, name, avatar, timeZone, locale };
    const unchanged = renamed !== undefined && Object.keys(given(changes)).length === 0;
    const reply = unchanged ? renamed : await pipeline.execute({ type: 'identity.ChangeProfile', actor, input });
    return { ...reply, ...(await reader.user(personId)) };
  }

  async changeSettings(actor: Actor, settings: object): Promise<CommandReply> {
    const input = { personId: actor.id, settings };
    return this.options.pipeline.execute({ type: 'identity.ChangeSettings', actor, input });
  }

  async #changeUsername(actor: Actor, personId: string, username: string): Promise<CommandReply> {
    const { pipeline, reader, reservations } = this.options;
    const profile = await reader.profile(personId);
    const formerRevision = profile.usernameRevision;
    const former = await reader.username(personId, profile);
    const { value, reservation } = reservations.username(username);
    const formerReservation = former === null ? null : reservations.username(former).reservation;
    const input = { personId, username: value, reservation, formerReservation, formerRevision };
    return pipeline.execute({ type: 'identity.ChangeUsername', actor, input });
  }
}

function given<Changes extends object>(changes: Changes): Changes {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)) as Changes;
}
