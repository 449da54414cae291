import { PersonForgotten, SettingsChanged } from '../../domain/identity/profile.js';
import { type Collection, deletes, on } from '../projection.js';

/** What a person's clients keep for them: any JSON object. */
export interface Settings {
  settings: Readonly<Record<string, unknown>> | null;
  /** Of the event that set them. */
  revision: number;
}

const personOf = ({ data }: { data: { personId: string } }) => data.personId;

/** By person id; none before the first setting, and once the person is forgotten. */
export const settings: Collection<Settings> = {
  name: 'settings',
  indexes: [],
  folds: new Map([
    on(
      SettingsChanged,
      personOf,
      (_before: Settings | undefined, { data: { settings }, revision }): Settings => ({ settings, revision }),
    ),
    deletes(PersonForgotten, personOf),
  ]),
};
