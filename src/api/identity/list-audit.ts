import { Query, QueryHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { MessageDeleted } from '../../../domain/conversations/channel.js';
import { type Actor, systemActor } from '../../../domain/decider.js';
import { instant, parseStreamName, personId } from '../../../domain/ids.js';
import { may } from '../../../domain/permissions.js';
import { type AuditEntry, entries } from '../../../projections/audit/entries.js';
import { loadWhence } from '../../../projections/audit/session-trail.js';
import { messageId } from '../../../projections/conversations/ids.js';
import type { Message } from '../../../projections/conversations/messages.js';
import { loadPeople } from '../../../projections/identity/people.js';
import type { Found, Reader } from '../../../projections/reader.js';
import { Refused } from '../../problems.js';
import { decodeCursor } from '../cursor.js';
import { ReadingHandler } from '../query.js';
import { type List, page, pageOf, person } from '../replies.js';
import { deviceOf } from './device.js';

const types = [...entries.folds.keys()].sort() as [string, ...string[]];

export const auditFilter = page.extend({
  actor: z.union([personId, z.literal(systemActor.id)], 'must be the id of a person, or `system`').optional(),
  person: personId.optional().meta({ description: 'To whom it was done.' }),
  type: z.enum(types).optional(),
  from: instant.optional().meta({ description: 'The earliest time.' }),
  to: instant.optional().meta({ description: 'The time before which it was done.' }),
});
export type AuditFilter = z.infer<typeof auditFilter>;

export const auditedDeed = z.object({
  position: z.string().meta({ description: 'Where it stands in the log.' }),
  occurredAt: z.iso.datetime(),
  type: z.enum(types),
  stream: z.string(),
  actor: person,
  person: person.nullable().meta({ description: 'To whom it was done.' }),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  session: z.string().nullable(),
  address: z.string().nullable().meta({ description: 'From where it was done, or tried.' }),
  device: z.string().nullable(),
});
export type AuditedDeed = z.infer<typeof auditedDeed>;

/** When the last deed of the page before was done, and its id. */
const place = z.tuple([z.iso.datetime(), z.string()]);

/** What was done, the latest first; for those who may read it. */
export class ListAudit extends Query<List<AuditedDeed>> {
  constructor(
    readonly actor: Actor,
    readonly filter: AuditFilter,
  ) {
    super();
  }
}

@QueryHandler(ListAudit)
export class ListAuditHandler extends ReadingHandler<ListAudit, List<AuditedDeed>> {
  protected async read(reader: Reader, { actor, filter }: ListAudit): Promise<List<AuditedDeed>> {
    if (!may(actor, 'audit.read')) throw new Refused('forbidden');
    const { limit, from = '' } = filter;
    const found = (await findEntries(reader, filter)).filter(({ document }) => document.occurredAt >= from);
    const { shown, next } = pageOf(found, limit, ({ id, document }) => [document.occurredAt, id]);
    return { items: await viewsOf(reader, shown), next };
  }
}

function findEntries(reader: Reader, filter: AuditFilter): Promise<Found<AuditEntry>[]> {
  const { limit, cursor, actor, person, type, to } = filter;
  // No id comes before an empty one: nothing that was done at that very time.
  const end = to === undefined ? undefined : ([to, ''] as const);
  const after = cursor === undefined ? end : decodeCursor(cursor, place);
  return reader.find<AuditEntry>(entries.name, {
    where: { ...(actor && { actor }), ...(person && { person }), ...(type && { type }) },
    orderBy: 'occurredAt',
    descending: true,
    ...(after && { after: { value: after[0], id: after[1] } }),
    limit: limit + 1,
  });
}

async function viewsOf(reader: Reader, shown: readonly Found<AuditEntry>[]): Promise<AuditedDeed[]> {
  const authorOf = await loadAuthors(reader, shown);
  const entryOf = ({ id, document }: Found<AuditEntry>) => ({ ...document, person: document.person ?? authorOf(id) });
  const deeds = shown.map(entryOf).filter((deed) => !isOwnAffair(deed));
  const nameOf = await loadPeople(
    reader,
    deeds.flatMap(({ actor, person }) => (person === null ? [actor] : [actor, person])),
  );
  const named = (id: string) => ({ id, ...nameOf(id) });
  return Promise.all(
    deeds.map(async ({ actor, person, address, ...deed }) => {
      const whence = deed.session === null ? undefined : await loadWhence(reader, deed.session, deed.position);
      return {
        ...deed,
        actor: named(actor),
        person: person === null ? null : named(person),
        address: address ?? whence?.address ?? null,
        device: deviceOf(whence?.userAgent ?? null),
      };
    }),
  );
}

/** Who takes back what they wrote does nothing to anyone. */
function isOwnAffair({ type, actor, person }: AuditEntry): boolean {
  return type === MessageDeleted.type && actor === person;
}

/** Whose message was deleted, which the event does not tell. */
async function loadAuthors(
  reader: Reader,
  shown: readonly Found<AuditEntry>[],
): Promise<(entryId: string) => string | null> {
  const messageOf = new Map<string, string>();
  for (const { id, document } of shown) {
    const { type, stream, details } = document;
    if (type !== MessageDeleted.type) continue;
    messageOf.set(id, messageId(parseStreamName(stream).id, details.messageRevision as number));
  }
  const messages = await reader.getMany<Message>('messages', [...messageOf.values()]);
  return (entryId) => messages.get(messageOf.get(entryId) ?? '')?.authorId ?? null;
}
