import { MessageDeleted, MessagePosted } from '../../domain/conversations/channel.js';
import { type Collection, changes, creates } from '../projection.js';
import { channelOf, messageId } from './ids.js';

export interface Message {
  channelId: string;
  authorId: string;
  kind: 'message' | 'action';
  /** Null once deleted, or once its author is forgotten. */
  text: string | null;
  /** ISO 8601 in UTC */
  postedAt: string;
  revision: number;
  deleted?: true;
}

/** By `<channel>/<revision>`, so that ids are in the order of posting. */
export const messages: Collection<Message> = {
  name: 'messages',
  indexes: [],
  personal: { authorId: ['text'] },
  folds: new Map([
    creates(
      MessagePosted,
      (event) => messageId(channelOf(event), event.revision),
      (event): Message => ({
        channelId: channelOf(event),
        authorId: event.data.authorId,
        kind: event.data.kind,
        text: event.data.text,
        postedAt: event.metadata.occurredAt,
        revision: event.revision,
      }),
    ),
    changes(
      MessageDeleted,
      (event) => messageId(channelOf(event), event.data.messageRevision),
      (message: Message) => Object.assign(message, { text: null, deleted: true as const }),
    ),
  ]),
};
