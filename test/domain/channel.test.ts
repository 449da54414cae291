import { describe, it } from 'vitest';
import {
  ChannelCreated,
  MemberJoined,
  MemberLeft,
  MemberRemoved,
  MessageDeleted,
  MessagePosted,
  TranscriptImported,
} from '../../domain/conversations/channel.js';
import { systemActor } from '../../domain/decider.js';
import { given, idOf, type PastEvent, past } from './specification.js';

const channelId = idOf(9);
const stream = `channel-${channelId}`;
const [owner, member, stranger] = [idOf(1), idOf(2), idOf(3)] as const;
const as = (id: string) => ({ actor: { id } });

function created(kind: 'public' | 'private' = 'public'): PastEvent[] {
  return past(
    stream,
    ChannelCreated({ channelId, name: 'general', kind, history: 'all', createdBy: owner }),
    MemberJoined({ personId: owner, role: 'owner', how: 'created' }),
  );
}
const joined = past(stream, MemberJoined({ personId: member, role: 'member', how: 'joined' }));
const posted = past(stream, MessagePosted({ authorId: member, kind: 'message', text: 'hello' }));

describe('CreateChannel', () => {
  it('makes the channel, and its creator the owner', () => {
    given()
      .when('conversations.CreateChannel', { name: ' general ' }, { ...as(owner), newId: channelId })
      .then(
        ChannelCreated({ channelId, name: 'general', kind: 'public', history: 'all', createdBy: owner }),
        MemberJoined({ personId: owner, role: 'owner', how: 'created' }),
      );
  });

  it('gives a channel that the system makes no owner', () => {
    given()
      .when('conversations.CreateChannel', { name: 'import' }, { actor: systemActor, newId: channelId })
      .then(ChannelCreated({ channelId, name: 'import', kind: 'public', history: 'all', createdBy: 'system' }));
  });

  it('refuses an id that is taken', () => {
    given(created())
      .when('conversations.CreateChannel', { name: 'again' }, { newId: channelId })
      .thenRefused('already-exists');
  });
});

describe('JoinChannel', () => {
  it('lets anyone into a public channel', () => {
    given(created())
      .when('conversations.JoinChannel', { channelId }, as(stranger))
      .then(MemberJoined({ personId: stranger, role: 'member', how: 'joined' }));
  });

  it('has nothing to do for a member', () => {
    given(created(), joined).when('conversations.JoinChannel', { channelId }, as(member)).thenNothing();
  });

  it('does not tell that a private channel exists', () => {
    given(created('private')).when('conversations.JoinChannel', { channelId }, as(stranger)).thenRefused('not-found');
  });
});

describe('AddMember', () => {
  const input = { channelId, personId: stranger };

  it('lets the owner bring someone into a private channel', () => {
    given(created('private'))
      .when('conversations.AddMember', input, as(owner))
      .then(MemberJoined({ personId: stranger, role: 'member', how: 'added' }));
  });

  it('is not for plain members', () => {
    given(created(), joined).when('conversations.AddMember', input, as(member)).thenRefused('forbidden');
  });

  it('tells an outsider of a private channel nothing', () => {
    given(created('private')).when('conversations.AddMember', input, as(stranger)).thenRefused('not-found');
  });
});

describe('LeaveChannel', () => {
  it('lets a member leave, with a reason', () => {
    given(created(), joined)
      .when('conversations.LeaveChannel', { channelId, reason: ' bye ' }, as(member))
      .then(MemberLeft({ personId: member, how: 'left', reason: 'bye' }));
  });

  it('keeps the last owner while there are other members', () => {
    given(created(), joined).when('conversations.LeaveChannel', { channelId }, as(owner)).thenRefused('last-owner');
  });

  it('lets the owner leave an empty channel', () => {
    given(created())
      .when('conversations.LeaveChannel', { channelId }, as(owner))
      .then(MemberLeft({ personId: owner, how: 'left', reason: null }));
  });

  it('has nothing to do for who is not in a public channel', () => {
    given(created()).when('conversations.LeaveChannel', { channelId }, as(stranger)).thenNothing();
  });
});

describe('RemoveMember', () => {
  const input = { channelId, personId: member };

  it('lets the owner remove a member', () => {
    given(created(), joined)
      .when('conversations.RemoveMember', input, as(owner))
      .then(MemberRemoved({ personId: member, removedBy: owner }));
  });

  it('is not for members', () => {
    given(created(), joined).when('conversations.RemoveMember', input, as(member)).thenRefused('forbidden');
  });

  it('needs someone to remove', () => {
    given(created()).when('conversations.RemoveMember', input, as(owner)).thenRefused('not-found');
  });
});

describe('PostMessage', () => {
  const input = { channelId, text: 'hello' };

  it('posts for a member', () => {
    given(created(), joined)
      .when('conversations.PostMessage', input, as(member))
      .then(MessagePosted({ authorId: member, kind: 'message', text: 'hello' }));
  });

  it('is refused to who is not a member', () => {
    given(created()).when('conversations.PostMessage', input, as(stranger)).thenRefused('not-a-member');
  });

  it('does not tell an outsider that a private channel exists', () => {
    given(created('private')).when('conversations.PostMessage', input, as(stranger)).thenRefused('not-found');
  });

  it('is refused to who was removed', () => {
    given(created(), joined, past(stream, MemberRemoved({ personId: member, removedBy: owner })))
      .when('conversations.PostMessage', input, as(member))
      .thenRefused('not-a-member');
  });

  it('needs a channel', () => {
    given().when('conversations.PostMessage', input, as(member)).thenRefused('not-found');
  });
});

describe('DeleteMessage', () => {
  const input = { channelId, messageRevision: 3 };

  it('lets the author delete', () => {
    given(created(), joined, posted)
      .when('conversations.DeleteMessage', input, as(member))
      .then(MessageDeleted({ messageRevision: 3, deletedBy: member }));
  });

  it("lets the owner delete anyone's message", () => {
    given(created(), joined, posted)
      .when('conversations.DeleteMessage', input, as(owner))
      .then(MessageDeleted({ messageRevision: 3, deletedBy: owner }));
  });

  it("refuses someone else's message to a member", () => {
    const other = past(stream, MemberJoined({ personId: stranger, role: 'member', how: 'joined' }));
    given(created(), joined, posted, other)
      .when('conversations.DeleteMessage', input, as(stranger))
      .thenRefused('forbidden');
  });

  it('deletes once', () => {
    given(created(), joined, posted, past(stream, MessageDeleted({ messageRevision: 3, deletedBy: member })))
      .when('conversations.DeleteMessage', input, as(member))
      .thenNothing();
  });

  it.each([2, 99])('knows no message at revision %i', (messageRevision) => {
    given(created(), joined, posted)
      .when('conversations.DeleteMessage', { channelId, messageRevision }, as(owner))
      .thenRefused('not-found');
  });
});

describe('an import', () => {
  const lot = { channelId, source: 'day-one', fromLine: 1, throughLine: 50 };
  const system = { actor: systemActor };

  it('records how far a transcript is read', () => {
    given(created())
      .when('conversations.RecordTranscript', lot, system)
      .then(TranscriptImported({ source: 'day-one', throughLine: 50 }));
  });

  it('refuses lines that were read before', () => {
    given(created(), past(stream, TranscriptImported({ source: 'day-one', throughLine: 50 })))
      .when('conversations.RecordTranscript', { ...lot, fromLine: 50, throughLine: 80 }, system)
      .thenRefused('already-exists');
  });

  it('goes on behind them', () => {
    given(created(), past(stream, TranscriptImported({ source: 'day-one', throughLine: 50 })))
      .when('conversations.RecordTranscript', { ...lot, fromLine: 51, throughLine: 80 }, system)
      .then(TranscriptImported({ source: 'day-one', throughLine: 80 }));
  });

  it('admits a speaker once', () => {
    given(created())
      .when('conversations.AdmitSpeaker', { channelId, personId: member, how: 'implied' }, system)
      .then(MemberJoined({ personId: member, role: 'member', how: 'implied' }));
    given(created(), joined)
      .when('conversations.AdmitSpeaker', { channelId, personId: member, how: 'implied' }, system)
      .thenNothing();
  });

  it('retires a name that someone has given up', () => {
    given(created(), joined)
      .when('conversations.RetireName', { channelId, personId: member }, system)
      .then(MemberLeft({ personId: member, how: 'renamed', reason: null }));
  });
});
