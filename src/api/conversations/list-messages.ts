import { Query, QueryHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { type MembershipInterval, maySee, seenFrom } from '../../../domain/access.js';
import { messageId } from '../../../projections/conversations/ids.js';
import type { Message } from '../../../projections/conversations/messages.js';
import { loadPeople } from '../../../projections/identity/people.js';
import type { Reader } from '../../../projections/reader.js';
import { decodeCursor } from '../cursor.js';
import { ReadingHandler } from '../query.js';
import { type List, pageOf, person } from '../replies.js';
import { loadChannelOfMember, type SeenChannel } from './channel-access.js';

export const messageInList = z.object({
  revision: z.number().int().meta({ description: 'Names the message within its channel.' }),
  channelId: z.string(),
  author: person,
  kind: z.enum(['message', 'action']),
  text: z.string().nullable().meta({ description: 'Null where it was deleted.' }),
  postedAt: z.iso.datetime(),
  deleted: z.boolean(),
});
export type MessageInList = z.infer<typeof messageInList>;

/** Revision of the oldest message of the page before. */
const place = z.number().int().nonnegative();

/** The messages of a channel that a person may see, the newest first. */
export class ListMessages extends Query<List<MessageInList>> {
  constructor(
    readonly channelId: string,
    readonly person: string,
    readonly limit: number,
    readonly cursor?: string,
  ) {
    super();
  }
}

@QueryHandler(ListMessages)
export class ListMessagesHandler extends ReadingHandler<ListMessages, List<MessageInList>> {
  protected async read(reader: Reader, query: ListMessages): Promise<List<MessageInList>> {
    const { channelId, person, limit, cursor } = query;
    const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : decodeCursor(cursor, place);
    const seen = await loadChannelOfMember(reader, channelId, person);
    const messages = await visibleMessages(reader, channelId, seen, before, limit + 1);
    const { shown, next } = pageOf(messages, limit, ({ revision }) => revision);
    const personOf = await loadPeople(
      reader,
      shown.map(({ authorId }) => authorId),
    );
    const items = shown.map(({ authorId, deleted = false, ...message }) => ({
      deleted,
      author: { id: authorId, ...personOf(authorId) },
      ...message,
    }));
    return { items, next };
  }
}

/**
 * Leaps over what came while the person was away, stretch by stretch of their membership, the newest first. That is
 * for speed: what may be seen, `maySee` decides.
 */
async function visibleMessages(
  reader: Reader,
  channelId: string,
  { access, membership, channel }: SeenChannel,
  before: number,
  limit: number,
): Promise<Message[]> {
  const messages: Message[] = [];
  // Not all that came later need be there yet.
  const last = Math.min(access.revision, channel.revision, before - 1);
  const intervals = membership?.intervals ?? [];
  for (let index = intervals.length - 1; index >= 0 && messages.length < limit; index -= 1) {
    const [from, to] = intervals[index] as MembershipInterval;
    const start = seenFrom(access, index, from);
    const end = Math.min(to ?? last, last);
    const found = await reader.find<Message>('messages', {
      idAfter: start === 0 ? `${channelId}/` : messageId(channelId, start - 1),
      idBefore: messageId(channelId, end + 1),
      descending: true,
      limit: limit - messages.length,
    });
    messages.push(...found.map(({ document }) => document));
  }
  return messages.filter(({ revision }) => maySee(access, membership, revision));
}
