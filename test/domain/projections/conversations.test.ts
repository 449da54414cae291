import { describe, expect, it } from 'vitest';
import {
  ChannelCreated,
  MemberJoined,
  MemberLeft,
  MemberRemoved,
  MessageDeleted,
  MessagePosted,
  TranscriptImported,
} from '../../../domain/conversations/channel.js';
import type { DomainEvent } from '../../../domain/event.js';
import { conversationsProjection } from '../../../projections/conversations/conversations.js';
import { idOf, past, record } from '../specification.js';
import { fold } from './folding.js';

const channelId = idOf(1);
const [ann, bob] = [idOf(2), idOf(3)];

const created = ChannelCreated({ channelId, name: 'ubuntu', kind: 'private', history: 'all', createdBy: ann });
const annJoined = MemberJoined({ personId: ann, role: 'owner', how: 'created' });
const bobJoined = MemberJoined({ personId: bob, role: 'member', how: 'added' });
const posted = MessagePosted({ authorId: ann, kind: 'message', text: 'hello' });

const history = (...events: DomainEvent[]) => record(past(`channel-${channelId}`, created, ...events));
const at = (events: ReturnType<typeof history>, revision: number) => events[revision]?.metadata.occurredAt;

describe('the projection of conversations', () => {
  it('lists a new channel', () => {
    const events = history();
    expect(fold(conversationsProjection, events)).toEqual({
      [`channels/${channelId}`]: {
        name: 'ubuntu',
        kind: 'private',
        history: 'all',
        createdBy: ann,
        createdAt: at(events, 0),
        memberCount: 0,
        lastMessageAt: null,
        changedAt: 0,
        revision: 0,
      },
    });
  });

  it('lists members while they are members', () => {
    const events = history(annJoined, bobJoined, MemberRemoved({ personId: bob, removedBy: ann }));
    const documents = fold(conversationsProjection, events);
    expect(documents).toMatchObject({ [`channels/${channelId}`]: { memberCount: 1, changedAt: 3, revision: 3 } });
    expect(documents[`channelMembers/${channelId}/${ann}`]).toEqual({
      channelId,
      personId: ann,
      role: 'owner',
      joinedAt: at(events, 1),
    });
    expect(documents).not.toHaveProperty([`channelMembers/${channelId}/${bob}`]);
  });

  it('lists someone who has left and come back since they came back', () => {
    const left = MemberLeft({ personId: bob, how: 'left', reason: null });
    const events = history(bobJoined, left, bobJoined);
    expect(fold(conversationsProjection, events)).toMatchObject({
      [`channels/${channelId}`]: { memberCount: 1 },
      [`channelMembers/${channelId}/${bob}`]: { joinedAt: at(events, 3) },
    });
  });

  it('names messages so that they sort by revision', () => {
    const events = history(...Array.from({ length: 11 }, () => posted));
    const ids = Object.keys(fold(conversationsProjection, events)).filter((id) => id.startsWith('messages/'));
    expect(ids).toEqual([...ids].sort());
    expect(ids.at(-1)).toBe(`messages/${channelId}/000000000011`);
  });

  it('keeps what was posted, when and by whom', () => {
    const events = history(posted);
    expect(fold(conversationsProjection, events)).toMatchObject({
      [`channels/${channelId}`]: { lastMessageAt: at(events, 1), changedAt: 0, revision: 1 },
      [`messages/${channelId}/000000000001`]: {
        channelId,
        authorId: ann,
        kind: 'message',
        text: 'hello',
        postedAt: at(events, 1),
        revision: 1,
      },
    });
  });

  it('takes the text of a deleted message away and leaves its place', () => {
    const events = history(posted, MessageDeleted({ messageRevision: 1, deletedBy: bob }));
    expect(fold(conversationsProjection, events)).toMatchObject({
      [`channels/${channelId}`]: { revision: 2 },
      [`messages/${channelId}/000000000001`]: { text: null, deleted: true },
    });
  });

  it('moves the revision of the channel with events that change nothing else of it', () => {
    const events = history(TranscriptImported({ source: 'a.txt', throughLine: 10 }));
    expect(fold(conversationsProjection, events)).toMatchObject({
      [`channels/${channelId}`]: { changedAt: 0, revision: 1 },
    });
  });
});
