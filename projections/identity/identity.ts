import { AccountRegistered } from '../../domain/identity/account/credentials.js';
import { ProfileCreated } from '../../domain/identity/profile.js';
import { type Collection, creates, type Projection } from '../projection.js';
import type { Reader } from '../reader.js';

/** A person as others see them; both are null once the person is forgotten. */
export interface Person {
  name: string | null;
  username: string | null;
}

export interface Profile extends Person {
  revision: number;
}

/** What only the person sees of their account. */
export interface Account {
  email: string | null;
  username: string | null;
  /** ISO 8601 */
  registeredAt: string;
}

/** By person id. */
const people: Collection<Profile> = {
  name: 'people',
  indexes: [],
  folds: new Map([
    creates(
      ProfileCreated,
      ({ data }) => data.personId,
      ({ data: { name, username }, revision }): Profile => ({ name, username, revision }),
    ),
  ]),
};

/** By person id. */
const accounts: Collection<Account> = {
  name: 'accounts',
  indexes: [],
  folds: new Map([
    creates(
      AccountRegistered,
      ({ data }) => data.personId,
      ({ data: { email, username }, metadata }): Account => ({ email, username, registeredAt: metadata.occurredAt }),
    ),
  ]),
};

export const identityProjection: Projection = { name: 'identity', version: 1, collections: [people, accounts] };

const unknown: Person = { name: null, username: null };

/** Looks people up by id; whoever is not known has no names. */
export async function loadPeople(reader: Reader, ids: Iterable<string>): Promise<(id: string) => Person> {
  const people = await reader.getMany<Profile>('people', [...new Set(ids)]);
  return (id) => {
    const { name, username } = people.get(id) ?? unknown;
    return { name, username };
  };
}
