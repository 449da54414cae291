import {
  ChannelCreated,
  MemberJoined,
  MemberLeft,
  MemberRemoved,
  MessageDeleted,
  MessagePosted,
  TranscriptImported,
} from '../../domain/conversations/channel.js';
import { type Collection, changes, creates } from '../projection.js';
import { channelOf } from './ids.js';

export interface Channel {
  name: string;
  kind: 'public' | 'private';
  history: 'all' | 'since-joined';
  createdBy: string;
  /** ISO 8601 in UTC, as `lastMessageAt`. */
  createdAt: string;
  memberCount: number;
  lastMessageAt: string | null;
  /** Revision of the last event that was no message: the channel's ETag. */
  changedAt: number;
  /** Revision of the last event. */
  revision: number;
}

function countMembers(by: 1 | -1) {
  return (channel: Channel, { revision }: { revision: number }): Channel => {
    channel.memberCount += by;
    channel.changedAt = revision;
    channel.revision = revision;
    return channel;
  };
}

function atRevision(channel: Channel, { revision }: { revision: number }): Channel {
  channel.revision = revision;
  return channel;
}

/** By channel id. */
export const channels: Collection<Channel> = {
  name: 'channels',
  indexes: [['kind', 'name']],
  folds: new Map([
    creates(
      ChannelCreated,
      ({ data }) => data.channelId,
      ({ data: { name, kind, history, createdBy }, revision, metadata }): Channel => ({
        name,
        kind,
        history,
        createdBy,
        createdAt: metadata.occurredAt,
        memberCount: 0,
        lastMessageAt: null,
        changedAt: revision,
        revision,
      }),
    ),
    changes(MemberJoined, channelOf, countMembers(1)),
    changes(MemberLeft, channelOf, countMembers(-1)),
    changes(MemberRemoved, channelOf, countMembers(-1)),
    changes(MessagePosted, channelOf, (channel: Channel, { revision, metadata }) => {
      channel.lastMessageAt = metadata.occurredAt;
      channel.revision = revision;
      return channel;
    }),
    changes(MessageDeleted, channelOf, atRevision),
    changes(TranscriptImported, channelOf, atRevision),
  ]),
};
