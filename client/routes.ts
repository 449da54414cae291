import type { z } from 'zod';
import type { ChannelSummary } from '../src/api/conversations/channel-summary.js';
import type { MemberInList } from '../src/api/conversations/list-members.js';
import type { MessageInList } from '../src/api/conversations/list-messages.js';
import type { issuedCredentials, user } from '../src/api/identity/schemas.js';
import type { MeetingDetail } from '../src/api/meetings/meeting-detail.js';
import type { RoomDetail } from '../src/api/rooms/get-room.js';

/** What the server answers to queries, by their path after `/api/v1/`. */

export type User = z.infer<typeof user>;
export type Session = z.infer<typeof issuedCredentials>;

export interface List<Item> {
  readonly items: readonly Item[];
  /** The cursor of the next page; null at the end. */
  readonly next: string | null;
}

/** The answer to `GET` of a path; unknown where the path is. */
export type Answer<Path extends string> = Path extends 'auth/me'
  ? User
  : Path extends 'meetings'
    ? List<MeetingDetail>
    : Path extends `meetings/${string}`
      ? MeetingDetail
      : Path extends `rooms/${string}`
        ? RoomDetail
        : Path extends 'channels'
          ? List<ChannelSummary>
          : Path extends `channels/${string}/messages`
            ? List<MessageInList>
            : Path extends `channels/${string}/members`
              ? List<MemberInList>
              : Path extends `channels/${string}`
                ? ChannelSummary
                : unknown;
