import { randomUUID } from 'node:crypto';
import { ChannelCreated, MemberJoined, MessagePosted } from '../../domain/conversations/channel.js';
import type { DomainEvent } from '../../domain/event.js';
import { streamName } from '../../domain/ids.js';
import { enrol } from './people.js';
import type { Stores } from './stores.js';
import { StreamWriter } from './stream-writer.js';

export interface SeededChannel {
  readonly channelId: string;
  /** Its members; the first few of them have accounts. */
  readonly members: readonly string[];
}

/** As many members as may be asked to post. */
const accounts = 64;
const text = 'Does anybody know how to mount a USB stick without being root?';

/** Writes a channel into the log as the pipeline would have, without deciding each event. */
export async function seedChannel(
  stores: Stores,
  { messages, members: count }: { readonly messages: number; readonly members: number },
): Promise<SeededChannel> {
  const channelId = randomUUID();
  const withAccounts = await enrol(stores, Math.min(count, accounts));
  const members = [...withAccounts, ...Array.from({ length: count - withAccounts.length }, () => randomUUID())];
  const log = new StreamWriter(stores, streamName('channel', channelId));
  for (const event of channelEvents(channelId, members, messages)) await log.add(event);
  await log.flush();
  return { channelId, members };
}

function* channelEvents(channelId: string, members: readonly string[], messages: number): Generator<DomainEvent> {
  const [owner = '', ...others] = members;
  yield ChannelCreated({ channelId, name: 'bench', kind: 'public', history: 'all', createdBy: owner });
  yield MemberJoined({ personId: owner, role: 'owner', how: 'created' });
  for (const personId of others) yield MemberJoined({ personId, role: 'member', how: 'joined' });
  for (let message = 0; message < messages; message += 1) {
    const authorId = members[message % members.length] as string;
    yield MessagePosted({ authorId, kind: 'message', text });
  }
}
