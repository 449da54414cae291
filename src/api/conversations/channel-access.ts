import { isMember } from '../../../domain/access.js';
import { channel as channelAggregate } from '../../../domain/conversations/channel.js';
import { streamName } from '../../../domain/ids.js';
import type { PersonalAccess } from '../../../projections/access/access.js';
import type { Channel } from '../../../projections/conversations/channels.js';
import type { Reader } from '../../../projections/reader.js';
import { Refused } from '../../problems.js';
import { accessTo } from '../query.js';

export interface SeenChannel extends PersonalAccess {
  readonly channel: Channel;
}

/**
 * A channel that a person knows to exist: a public one, or a private one of theirs.
 * @throws {Refused} if there is none
 */
export async function loadChannel(reader: Reader, channelId: string, person: string): Promise<SeenChannel> {
  const loaded = await accessTo(reader, streamName(channelAggregate.category, channelId), person);
  const channel = await reader.get<Channel>('channels', channelId);
  if (!channel || (channel.kind === 'private' && !isMember(loaded.membership))) throw new Refused('not-found');
  return { channel, ...loaded };
}

/** @throws {Refused} if there is no such channel, or the person is no member of it */
export async function loadChannelOfMember(reader: Reader, channelId: string, person: string): Promise<SeenChannel> {
  const seen = await loadChannel(reader, channelId, person);
  if (!isMember(seen.membership)) throw new Refused('not-a-member');
  return seen;
}
