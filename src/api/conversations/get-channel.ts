import { Query, QueryHandler } from '@nestjs/cqrs';
import { isMember } from '../../../domain/access.js';
import type { Reader } from '../../../projections/reader.js';
import { ReadingHandler } from '../query.js';
import { loadChannel } from './channel-access.js';
import { type ChannelSummary, summaryOf } from './channel-summary.js';

export class GetChannel extends Query<ChannelSummary> {
  constructor(
    readonly channelId: string,
    readonly person: string,
  ) {
    super();
  }
}

@QueryHandler(GetChannel)
export class GetChannelHandler extends ReadingHandler<GetChannel, ChannelSummary> {
  protected async read(reader: Reader, { channelId, person }: GetChannel): Promise<ChannelSummary> {
    const { channel, membership } = await loadChannel(reader, channelId, person);
    return summaryOf(channelId, channel, isMember(membership));
  }
}
