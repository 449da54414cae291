import { describe, expect, it } from 'vitest';
import {
  ChannelCreated,
  MemberJoined,
  MemberLeft,
  MessageDeleted,
  MessagePosted,
} from '../../../domain/conversations/channel.js';
import { ProfileCreated, SettingsChanged } from '../../../domain/identity/profile.js';
import { ParticipantJoined, RoomCreated } from '../../../domain/rooms/room.js';
import { projectionsOf, readFeed } from '../../../projections/feed-views.js';
import type { Reader } from '../../../projections/reader.js';
import { idOf, past, record } from '../specification.js';
import { FoldedReader } from './reading.js';

const channelId = idOf(1);
const channel = `channel-${channelId}`;
const [ann, bob, eve] = [idOf(2), idOf(3), idOf(4)];

const created = (history: 'all' | 'since-joined') =>
  ChannelCreated({ channelId, name: 'ubuntu', kind: 'public', history, createdBy: ann });
const joined = (personId: string) => MemberJoined({ personId, role: 'member', how: 'joined' });
const posted = (text: string) => MessagePosted({ authorId: ann, kind: 'message', text });
const annIsKnown = past(`user-${ann}`, ProfileCreated({ personId: ann, name: 'Ann', username: 'ann' }));

const textsIn = (seen: { state: unknown } | undefined) =>
  (seen as { state: { messages: { text: string | null }[] } }).state.messages.map(({ text }) => text);

describe('the state of a feed', () => {
  it('of a channel holds its last messages with their authors’ names', async () => {
    const deleted = MessageDeleted({ messageRevision: 2, deletedBy: ann });
    const history = past(channel, created('all'), joined(ann), posted('one'), posted('two'), deleted);
    const seen = await readFeed(new FoldedReader([...annIsKnown, ...history]), channel, ann);
    expect(seen).toMatchObject({
      revision: 4,
      state: {
        id: channelId,
        name: 'ubuntu',
        memberCount: 1,
        messages: [
          { revision: 2, text: null, deleted: true },
          { revision: 3, text: 'two', author: { id: ann, name: 'Ann', username: 'ann', avatar: null } },
        ],
      },
    });
  });

  it('of a channel holds at most fifty messages', async () => {
    const history = past(channel, created('all'), joined(ann), ...Array.from({ length: 60 }, (_, n) => posted(`${n}`)));
    const texts = textsIn(await readFeed(new FoldedReader(history), channel, ann));
    expect([texts.length, texts[0], texts.at(-1)]).toEqual([50, '10', '59']);
  });

  it('of a channel holds only messages that the person may see', async () => {
    const left = MemberLeft({ personId: bob, how: 'left', reason: null });
    const history = past(
      channel,
      created('since-joined'),
      joined(ann),
      posted('before'),
      joined(bob),
      posted('while there'),
      left,
      posted('while away'),
      joined(bob),
      posted('back'),
    );
    const reader = new FoldedReader(history);
    expect(textsIn(await readFeed(reader, channel, bob))).toEqual(['while there', 'back']);
    expect(textsIn(await readFeed(reader, channel, ann))).toEqual(['before', 'while there', 'while away', 'back']);
  });

  it('is not told to someone who may not follow', async () => {
    const left = MemberLeft({ personId: bob, how: 'left', reason: null });
    const reader = new FoldedReader(past(channel, created('all'), joined(ann), joined(bob), left, posted('secret')));
    expect(await readFeed(reader, channel, bob)).toBeUndefined();
    expect(await readFeed(reader, channel, eve)).toBeUndefined();
  });

  it('is not told where it is beyond what is known of the access', async () => {
    const behind = record(past(channel, created('all'), joined(bob)));
    const history = past(channel, created('all'), joined(bob), posted('one'));
    const reader = new FoldedReader(history);
    const stale = Object.assign(Object.create(reader), {
      get: (collection: string, id: string) =>
        collection === 'feedAccess'
          ? Promise.resolve({ visibility: 'members', revision: behind.length - 1 })
          : reader.get(collection, id),
      getMany: reader.getMany.bind(reader),
      find: reader.find.bind(reader),
    }) as Reader;
    expect(await readFeed(stale, channel, bob)).toBeUndefined();
  });

  it('of a room holds its roster with names', async () => {
    const roomId = '0123456789abcdef';
    const history = past(
      `room-${roomId}`,
      RoomCreated({ roomId, name: 'Den', createdBy: bob }),
      ParticipantJoined({ personId: ann }),
      ParticipantJoined({ personId: bob }),
    );
    const seen = await readFeed(new FoldedReader([...annIsKnown, ...history]), `room-${roomId}`, eve);
    expect(seen).toMatchObject({
      revision: 2,
      state: {
        name: 'Den',
        participants: [
          { id: ann, name: 'Ann', username: 'ann', avatar: null },
          { id: bob, name: null, username: null, avatar: null },
        ],
      },
    });
  });

  it('of a person is told to that person alone, with their settings', async () => {
    const profile = { name: 'Ann', username: 'ann', avatar: null, timeZone: null, locale: null, changedAt: 0 };
    expect(await readFeed(new FoldedReader(annIsKnown), `user-${ann}`, ann)).toEqual({
      revision: 0,
      state: { id: ann, ...profile, settings: {} },
    });
    const changed = past(`user-${ann}`, SettingsChanged({ personId: ann, settings: { theme: 'dark' } }));
    const reader = new FoldedReader([...annIsKnown, ...changed]);
    expect(await readFeed(reader, `user-${ann}`, ann)).toEqual({
      revision: 1,
      state: { id: ann, ...profile, settings: { theme: 'dark' } },
    });
    expect(await readFeed(reader, `user-${ann}`, bob)).toBeUndefined();
  });

  it('is not there for a feed that is not', async () => {
    expect(await readFeed(new FoldedReader([]), channel, ann)).toBeUndefined();
    expect(await readFeed(new FoldedReader([]), `nothing-${channelId}`, ann)).toBeUndefined();
  });

  it('tells which projections it is read from', () => {
    expect(projectionsOf(channel)).toEqual(['access', 'conversations', 'identity']);
    expect(projectionsOf(`nothing-${channelId}`)).toEqual(['access']);
  });
});
