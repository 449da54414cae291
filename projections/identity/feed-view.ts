import type { FeedView } from '../feed-view.js';
import { identityProjection, type Person, type Profile } from './identity.js';

export type ProfileState = Person & { readonly id: string };

/** A person's own profile. */
export const profileView: FeedView<ProfileState> = {
  projections: [identityProjection.name],
  async read(reader, id) {
    const profile = await reader.get<Profile>('people', id);
    if (!profile) return undefined;
    const { revision, name, username } = profile;
    return { revision, state: { id, name, username } };
  },
};
