import { z } from 'zod';
import type { Channel } from '../../../projections/conversations/channels.js';

/** A channel as anyone sees it who knows that it exists. */
export const channelSummary = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(['public', 'private']),
  history: z.enum(['all', 'since-joined']),
  createdBy: z.string(),
  createdAt: z.iso.datetime(),
  memberCount: z.number().int(),
  isMember: z.boolean(),
  revision: z.number().int().meta({ description: 'Of the last event that changed the channel itself.' }),
});
export type ChannelSummary = z.infer<typeof channelSummary>;

/** Without a trace of its messages, which only members see. */
export function summaryOf(id: string, channel: Channel, isMember: boolean): ChannelSummary {
  const { name, kind, history, createdBy, createdAt, memberCount, changedAt } = channel;
  return { id, name, kind, history, createdBy, createdAt, memberCount, isMember, revision: changedAt };
}
