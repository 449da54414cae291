import { Query, QueryHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { feedRoles } from '../../../domain/access.js';
import { personId } from '../../../domain/ids.js';
import type { ChannelMember } from '../../../projections/conversations/channel-members.js';
import { channelMemberId } from '../../../projections/conversations/ids.js';
import { loadPeople } from '../../../projections/identity/people.js';
import type { Reader } from '../../../projections/reader.js';
import { decodeCursor } from '../cursor.js';
import { ReadingHandler } from '../query.js';
import { type List, pageOf, person } from '../replies.js';
import { loadChannelOfMember } from './channel-access.js';

export const memberInList = person.extend({
  role: z.enum(feedRoles),
  joinedAt: z.iso.datetime(),
});
export type MemberInList = z.infer<typeof memberInList>;

/** Who is a member of a channel, by id. The cursor is the last member of the page before. */
export class ListMembers extends Query<List<MemberInList>> {
  constructor(
    readonly channelId: string,
    readonly person: string,
    readonly limit: number,
    readonly cursor?: string,
  ) {
    super();
  }
}

@QueryHandler(ListMembers)
export class ListMembersHandler extends ReadingHandler<ListMembers, List<MemberInList>> {
  protected async read(reader: Reader, query: ListMembers): Promise<List<MemberInList>> {
    const { channelId, person, limit, cursor } = query;
    const after = cursor === undefined ? '' : decodeCursor(cursor, personId);
    await loadChannelOfMember(reader, channelId, person);
    const found = await reader.find<ChannelMember>('channelMembers', {
      idAfter: channelMemberId(channelId, after),
      idBefore: channelMemberId(channelId, '~'),
      limit: limit + 1,
    });
    const members = found.map(({ document }) => document);
    const { shown, next } = pageOf(members, limit, ({ personId }) => personId);
    const personOf = await loadPeople(
      reader,
      shown.map(({ personId }) => personId),
    );
    const items = shown.map(({ personId, role, joinedAt }) => ({
      id: personId,
      role,
      joinedAt,
      ...personOf(personId),
    }));
    return { items, next };
  }
}
