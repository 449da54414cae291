import { SessionBegan, SessionRefreshed, SessionSeen } from '../../domain/identity/account/sessions.js';
import { type Collection, creates } from '../projection.js';
import type { Reader } from '../reader.js';
import { entryId } from './entries.js';

/** From where a session was used, from an event on. Kept when the session has ended; null once its person is forgotten. */
export interface Whence {
  personId: string;
  address: string | null;
  userAgent: string | null;
}

interface Used {
  readonly data: { readonly sessionId: string } & Whence;
  readonly position: bigint;
}

const placeOf = ({ data, position }: Used) => `${data.sessionId}/${entryId(position)}`;
const whenceOf = ({ data: { personId, address, userAgent } }: Used): Whence => ({ personId, address, userAgent });

/** By `<session>/<position>`. */
export const sessionTrail: Collection<Whence> = {
  name: 'sessionTrail',
  indexes: [],
  personal: { personId: ['address', 'userAgent'] },
  folds: new Map([
    creates(SessionBegan, placeOf, whenceOf),
    creates(SessionRefreshed, placeOf, whenceOf),
    creates(SessionSeen, placeOf, whenceOf),
  ]),
};

/** From where a session was used when the event at this position was done in it; undefined if that is not known. */
export async function loadWhence(reader: Reader, session: string, position: string): Promise<Whence | undefined> {
  const [last] = await reader.find<Whence>('sessionTrail', {
    idAfter: `${session}/`,
    idBefore: `${session}/${entryId(BigInt(position) + 1n)}`,
    descending: true,
    limit: 1,
  });
  return last?.document;
}
