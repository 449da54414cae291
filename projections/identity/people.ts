import {
  PersonForgotten,
  ProfileChanged,
  ProfileCreated,
  SettingsChanged,
  UsernameChanged,
} from '../../domain/identity/profile.js';
import { type Collection, changes, creates } from '../projection.js';
import type { Reader } from '../reader.js';

/** A person as others see them; all of it is null once the person is forgotten. */
export interface Person {
  name: string | null;
  username: string | null;
  /** Names the picture; what it names is the client's and the file store's business. */
  avatar: string | null;
}

/** What a person tells of themselves; all of it is null once they are forgotten. */
export interface Profile extends Person {
  timeZone: string | null;
  locale: string | null;
  /** Revision of the last event that changed the profile: its ETag. */
  changedAt: number;
  /** Revision of the last event of the person's stream. */
  revision: number;
}

const personOf = ({ data }: { data: { personId: string } }) => data.personId;

/** By person id. */
export const people: Collection<Profile> = {
  name: 'people',
  indexes: [],
  folds: new Map([
    creates(
      ProfileCreated,
      personOf,
      ({ data: { name, username }, revision }): Profile => ({
        name,
        username,
        avatar: null,
        timeZone: null,
        locale: null,
        changedAt: revision,
        revision,
      }),
    ),
    changes(ProfileChanged, personOf, (profile: Profile, { data: { personId: _, ...told }, revision }) =>
      Object.assign(profile, told, { changedAt: revision, revision }),
    ),
    changes(UsernameChanged, personOf, (profile: Profile, { data: { username }, revision }) =>
      Object.assign(profile, { username, changedAt: revision, revision }),
    ),
    changes(SettingsChanged, personOf, (profile: Profile, { revision }) => Object.assign(profile, { revision })),
    changes(PersonForgotten, personOf, (_profile: Profile, { revision }) => ({
      name: null,
      username: null,
      avatar: null,
      timeZone: null,
      locale: null,
      changedAt: revision,
      revision,
    })),
  ]),
};

const unknown: Person = { name: null, username: null, avatar: null };

/** Looks people up by id; whoever is not known has no names. */
export async function loadPeople(reader: Reader, ids: Iterable<string>): Promise<(id: string) => Person> {
  const people = await reader.getMany<Profile>('people', [...new Set(ids)]);
  return (id) => {
    const { name, username, avatar } = people.get(id) ?? unknown;
    return { name, username, avatar };
  };
}
