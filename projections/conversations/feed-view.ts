import type { FeedView } from '../feed-view.js';
import { identityProjection } from '../identity/identity.js';
import { loadPeople, type Person } from '../identity/people.js';
import type { Reader } from '../reader.js';
import type { Channel } from './channels.js';
import { conversationsProjection } from './conversations.js';
import { messageId } from './ids.js';
import type { Message } from './messages.js';

type MessageInChannel = Omit<Message, 'authorId' | 'channelId'> & { readonly author: Person & { readonly id: string } };

/** A channel with its last messages, the oldest of them first. */
export interface ChannelState extends Omit<Channel, 'revision'> {
  readonly id: string;
  readonly messages: readonly MessageInChannel[];
}

/** As many as fill a window. */
const lastMessages = 50;

export const channelView: FeedView<ChannelState> = {
  projections: [conversationsProjection.name, identityProjection.name],
  async read(reader, id, maySee) {
    const channel = await reader.get<Channel>('channels', id);
    if (!channel) return undefined;
    const { revision, ...fields } = channel;
    return { revision, state: { id, ...fields, messages: await visibleMessages(reader, id, revision, maySee) } };
  },
};

async function visibleMessages(
  reader: Reader,
  channelId: string,
  through: number,
  maySee: (revision: number) => boolean,
): Promise<MessageInChannel[]> {
  const found = await reader.find<Message>('messages', {
    idAfter: messageId(channelId, 0),
    idBefore: messageId(channelId, through + 1),
    descending: true,
    limit: lastMessages,
  });
  const visible = found.map(({ document }) => document).filter(({ revision }) => maySee(revision));
  const personOf = await loadPeople(
    reader,
    visible.map(({ authorId }) => authorId),
  );
  return visible
    .reverse()
    .map(({ authorId, channelId: _, ...message }) => ({ author: { id: authorId, ...personOf(authorId) }, ...message }));
}
