import { z } from 'zod';
import { defineAggregate } from '../decider.js';
import { defineEvent, type RecordedOf } from '../event.js';
import { personId } from '../ids.js';

/**
 * The reservation of one unique value (an e-mail address, a user name): a stream for each value, named by the value's
 * HMAC, appended to in one atomic append with its owner's own stream.
 */

export const ValueReserved = defineEvent({
  type: 'identity.ValueReserved',
  data: z.strictObject({ owner: personId }),
  audience: 'nobody',
});

export const ValueFreed = defineEvent({
  type: 'identity.ValueFreed',
  data: z.strictObject({ owner: personId }),
  audience: 'nobody',
});

export const reservationEvents = { ValueReserved, ValueFreed };
export type ReservationEvent = RecordedOf<typeof reservationEvents>;

export interface ReservationState {
  owner: string | null;
  changedAt: number;
}

function reservationOf(category: string) {
  return defineAggregate<ReservationState>({
    category,
    version: 1,
    initialState: () => ({ owner: null, changedAt: -1 }),
    changedAt: (state) => state.changedAt,
    evolve(state: ReservationState, event: ReservationEvent): ReservationState {
      state.changedAt = event.revision;
      switch (event.type) {
        case 'identity.ValueReserved':
          state.owner = event.data.owner;
          break;
        case 'identity.ValueFreed':
          state.owner = null;
          break;
      }
      return state;
    },
  });
}

export const emailReservation = reservationOf('emailReservation');
export const usernameReservation = reservationOf('usernameReservation');
