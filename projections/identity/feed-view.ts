import type { FeedView } from '../feed-view.js';
import { identityProjection } from './identity.js';
import type { Profile } from './people.js';
import type { Settings } from './settings.js';

/** A person's own profile and settings, empty before the first one. */
export interface ProfileState extends Omit<Profile, 'revision'> {
  readonly id: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

export const profileView: FeedView<ProfileState> = {
  projections: [identityProjection.name],
  async read(reader, id) {
    const profile = await reader.get<Profile>('people', id);
    if (!profile) return undefined;
    const { revision, ...fields } = profile;
    const settings = (await reader.get<Settings>('settings', id))?.settings ?? {};
    return { revision, state: { id, ...fields, settings } };
  },
};
