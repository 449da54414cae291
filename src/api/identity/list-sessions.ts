import { Query, QueryHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import type { Actor } from '../../../domain/decider.js';
import { may } from '../../../domain/permissions.js';
import { loadSessions, type Session } from '../../../projections/identity/sessions.js';
import type { Reader } from '../../../projections/reader.js';
import { Refused } from '../../problems.js';
import { ReadingHandler } from '../query.js';
import type { List } from '../replies.js';
import { deviceOf } from './device.js';

export const sessionInList = z.object({
  id: z.string(),
  /** Such as `Firefox on Linux`; null where the client did not say. */
  device: z.string().nullable(),
  address: z.string().nullable(),
  method: z.enum(['registration', 'password', 'password+totp', 'password+recovery-code']),
  beganAt: z.iso.datetime(),
  lastSeenAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
  /** Whether it is the caller's own. */
  current: z.boolean(),
});
export type SessionInList = z.infer<typeof sessionInList>;

/** The sessions of a person, the one that was used last first. */
export class ListSessions extends Query<List<SessionInList>> {
  constructor(
    readonly personId: string,
    readonly actor: Actor,
  ) {
    super();
  }
}

@QueryHandler(ListSessions)
export class ListSessionsHandler extends ReadingHandler<ListSessions, List<SessionInList>> {
  protected async read(reader: Reader, { personId, actor }: ListSessions): Promise<List<SessionInList>> {
    if (actor.id !== personId && !may(actor, 'sessions.end')) throw new Refused('forbidden');
    const sessions = Object.entries(await loadSessions(reader, personId, Date.now()));
    const items = sessions
      .map(([id, session]) => viewOf(id, session, id === actor.session))
      .sort((a, b) => (a.lastSeenAt < b.lastSeenAt ? 1 : -1));
    return { items, next: null };
  }
}

function viewOf(id: string, { seenAt, userAgent, ...session }: Session, current: boolean): SessionInList {
  return { id, device: deviceOf(userAgent), ...session, lastSeenAt: seenAt, current };
}
