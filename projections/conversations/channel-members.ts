import type { FeedRole } from '../../domain/access.js';
import { MemberJoined, MemberLeft, MemberRemoved } from '../../domain/conversations/channel.js';
import { type Collection, creates, deletes } from '../projection.js';
import { channelMemberId, channelOf } from './ids.js';

export interface ChannelMember {
  channelId: string;
  personId: string;
  role: Exclude<FeedRole, 'guest'>;
  /** ISO 8601 in UTC */
  joinedAt: string;
}

const memberOf = (event: { stream: string; data: { personId: string } }) =>
  channelMemberId(channelOf(event), event.data.personId);

/** Who is a member now, by `<channel>/<person>`. */
export const channelMembers: Collection<ChannelMember> = {
  name: 'channelMembers',
  indexes: [['personId', 'channelId']],
  folds: new Map([
    creates(
      MemberJoined,
      memberOf,
      (event): ChannelMember => ({
        channelId: channelOf(event),
        personId: event.data.personId,
        role: event.data.role,
        joinedAt: event.metadata.occurredAt,
      }),
    ),
    deletes(MemberLeft, memberOf),
    deletes(MemberRemoved, memberOf),
  ]),
};
