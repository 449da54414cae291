import { Query, QueryHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import type { ChannelMember } from '../../../projections/conversations/channel-members.js';
import type { Channel } from '../../../projections/conversations/channels.js';
import type { Found, Reader } from '../../../projections/reader.js';
import { decodeCursor } from '../cursor.js';
import { ReadingHandler } from '../query.js';
import { type List, pageOf } from '../replies.js';
import { type ChannelSummary, summaryOf } from './channel-summary.js';

/** The name and id of the last channel of the page before. */
const place = z.tuple([z.string(), z.string()]);
type Place = z.infer<typeof place>;

/** Channels that one person is a member of; more than these are not listed. */
const maxMemberships = 10_000;

/** The public channels and those of a person, by name. */
export class ListChannels extends Query<List<ChannelSummary>> {
  constructor(
    readonly person: string,
    readonly limit: number,
    readonly cursor?: string,
  ) {
    super();
  }
}

@QueryHandler(ListChannels)
export class ListChannelsHandler extends ReadingHandler<ListChannels, List<ChannelSummary>> {
  protected async read(reader: Reader, { person, limit, cursor }: ListChannels): Promise<List<ChannelSummary>> {
    const after = cursor === undefined ? undefined : decodeCursor(cursor, place);
    const mine = await channelsOf(reader, person);
    const found = await publicChannels(reader, after, limit + 1);
    for (const [id, document] of await reader.getMany<Channel>('channels', [...mine])) {
      if (document.kind === 'private' && (!after || compare([document.name, id], after) > 0))
        found.push({ id, document });
    }
    found.sort((a, b) => compare([a.document.name, a.id], [b.document.name, b.id]));
    const { shown, next } = pageOf(found, limit, ({ id, document }) => [document.name, id]);
    return { items: shown.map(({ id, document }) => summaryOf(id, document, mine.has(id))), next };
  }
}

async function channelsOf(reader: Reader, personId: string): Promise<Set<string>> {
  const members = await reader.find<ChannelMember>('channelMembers', { where: { personId }, limit: maxMemberships });
  return new Set(members.map(({ document }) => document.channelId));
}

async function publicChannels(reader: Reader, after: Place | undefined, limit: number): Promise<Found<Channel>[]> {
  return reader.find<Channel>('channels', {
    where: { kind: 'public' },
    orderBy: 'name',
    ...(after && { after: { value: after[0], id: after[1] } }),
    limit,
  });
}

/** By bytes of UTF-8, as the read store orders. */
function compare([name, id]: Place, [otherName, otherId]: Place): number {
  return (
    Buffer.compare(Buffer.from(name), Buffer.from(otherName)) || Buffer.compare(Buffer.from(id), Buffer.from(otherId))
  );
}
