import type { Projection } from '../projection.js';
import { channelMembers } from './channel-members.js';
import { channels } from './channels.js';
import { messages } from './messages.js';

export const conversationsProjection: Projection = {
  name: 'conversations',
  version: 2,
  collections: [messages, channelMembers, channels],
};
