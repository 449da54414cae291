import { z } from 'zod';
import { defineAggregate, defineCommand } from '../decider.js';
import { defineEvent, type RecordedOf } from '../event.js';
import { personId } from '../ids.js';

/** A person as others see them; also one without an account, known from an import. Only the person follows the stream. */

// Events

export const ProfileCreated = defineEvent({
  type: 'identity.ProfileCreated',
  data: z.strictObject({ personId, name: z.string().nullable(), username: z.string().nullable() }),
  personal: { name: 'personId', username: 'personId' },
  audience: 'followers',
  access: ({ data }) => [{ kind: 'joined', person: data.personId, role: 'owner' }],
});

export const profileEvents = { ProfileCreated };
export type ProfileEvent = RecordedOf<typeof profileEvents>;

// State

export interface ProfileState {
  created: boolean;
  changedAt: number;
}

export const profile = defineAggregate<ProfileState>({
  category: 'user',
  version: 1,
  initialState: () => ({ created: false, changedAt: -1 }),
  changedAt: (state) => state.changedAt,
  evolve(state: ProfileState, event: ProfileEvent): ProfileState {
    state.changedAt = event.revision;
    if (event.type === 'identity.ProfileCreated') state.created = true;
    return state;
  },
});

// Commands

/** Makes a person without an account known, such as a nickname of an imported transcript. */
export const IntroducePerson = defineCommand({
  type: 'identity.IntroducePerson',
  issuer: 'system',
  aggregate: profile,
  input: z.strictObject({ personId, name: z.string().min(1).max(80) }),
  streamId: (input) => input.personId,
  decide(state, { input }) {
    if (state.created) return [];
    return [ProfileCreated({ personId: input.personId, name: input.name, username: null })];
  },
  reply: (_events, input) => ({ id: input.personId }),
});

export const profileCommands = [IntroducePerson] as const;
