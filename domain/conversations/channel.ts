import { z } from 'zod';
import type { FeedRole, Visibility } from '../access.js';
import { type Actor, defineAggregate, defineCommand, systemActor } from '../decider.js';
import { defineEvent, eventOf, type RecordedEvent, type RecordedOf } from '../event.js';
import { channelId, personId, revision } from '../ids.js';
import { type FeedPermission, mayIn } from '../permissions.js';
import { type Rejection, reject } from '../rejections.js';
import { addRevision, hasRevision, type RevisionRanges } from '../revisions.js';

/** A channel: its members, its messages, and who may do what in it. Everything that its followers see is one stream. */

const channelName = z.string().trim().min(1, 'is required').max(80, 'must be at most 80 characters');
const messageText = z.string().trim().min(1, 'is required').max(16_000, 'must be at most 16,000 characters');
/** `public` channels can be found and joined by anyone; into `private` ones a moderator adds members. */
const channelKind = z.enum(['public', 'private']);
/** `all`: members read also what came before they joined. */
const channelHistory = z.enum(['all', 'since-joined']);
const messageKind = z.enum(['message', 'action']);
const howJoined = z.enum(['created', 'joined', 'added', 'implied', 'renamed']);

// Events

export const ChannelCreated = defineEvent({
  type: 'conversations.ChannelCreated',
  data: z.strictObject({
    channelId,
    name: channelName,
    kind: channelKind,
    history: channelHistory,
    createdBy: z.string(),
  }),
  audience: 'followers',
  access: ({ data }) => [{ kind: 'visibility', visibility: visibilityOf(data.history) }],
});

export const MemberJoined = defineEvent({
  type: 'conversations.MemberJoined',
  data: z.strictObject({ personId, role: z.enum(['member', 'moderator', 'owner']), how: howJoined }),
  audience: 'followers',
  access: ({ data }) => [{ kind: 'joined', person: data.personId, role: data.role }],
});

export const MemberLeft = defineEvent({
  type: 'conversations.MemberLeft',
  data: z.strictObject({
    personId,
    how: z.enum(['left', 'renamed']),
    reason: z.string().max(500).nullable(),
  }),
  personal: { reason: 'personId' },
  audience: 'followers',
  access: ({ data }) => [{ kind: 'left', person: data.personId }],
});

export const MemberRemoved = defineEvent({
  type: 'conversations.MemberRemoved',
  data: z.strictObject({ personId, removedBy: z.string() }),
  audience: 'followers',
  access: ({ data }) => [{ kind: 'left', person: data.personId }],
});

export const MessagePosted = defineEvent({
  type: 'conversations.MessagePosted',
  data: z.strictObject({ authorId: personId, kind: messageKind, text: messageText.nullable() }),
  personal: { text: 'authorId' },
  audience: 'followers',
});

export const MessageDeleted = defineEvent({
  type: 'conversations.MessageDeleted',
  data: z.strictObject({ messageRevision: revision, deletedBy: z.string() }),
  audience: 'followers',
});

/** How far a transcript is imported; appended together with the events of its lines. */
export const TranscriptImported = defineEvent({
  type: 'conversations.TranscriptImported',
  data: z.strictObject({ source: z.string().max(200), throughLine: z.number().int().positive() }),
  audience: 'nobody',
});

export const channelEvents = {
  ChannelCreated,
  MemberJoined,
  MemberLeft,
  MemberRemoved,
  MessagePosted,
  MessageDeleted,
  TranscriptImported,
};
export type ChannelEvent = RecordedOf<typeof channelEvents>;

function visibilityOf(history: z.infer<typeof channelHistory>): Visibility {
  return history === 'all' ? 'members' : 'since-joined';
}

// State

type ChannelRole = Exclude<FeedRole, 'guest'>;

export interface ChannelState {
  kind?: z.infer<typeof channelKind>;
  members: Map<string, ChannelRole>;
  owners: number;
  /** Revision of the last event other than a message: what the channel's own representation changed at. */
  changedAt: number;
  deleted: RevisionRanges;
  /** Last imported line of each transcript. */
  imported: Map<string, number>;
}

interface ChannelSnapshot {
  kind?: z.infer<typeof channelKind>;
  members: [string, ChannelRole][];
  owners: number;
  changedAt: number;
  deleted: RevisionRanges;
  imported: [string, number][];
}

/** Events that leave the channel's own representation as it was. */
const withoutTrace: ReadonlySet<string> = new Set([MessagePosted.type, MessageDeleted.type, TranscriptImported.type]);

export const channel = defineAggregate<ChannelState, ChannelSnapshot>({
  category: 'channel',
  version: 1,
  initialState: () => ({ members: new Map(), owners: 0, changedAt: -1, deleted: [], imported: new Map() }),
  changedAt: (state) => state.changedAt,
  evolve(state: ChannelState, event: ChannelEvent): ChannelState {
    if (!withoutTrace.has(event.type)) state.changedAt = event.revision;
    switch (event.type) {
      case 'conversations.ChannelCreated':
        state.kind = event.data.kind;
        break;
      case 'conversations.MemberJoined':
        state.members.set(event.data.personId, event.data.role);
        if (event.data.role === 'owner') state.owners += 1;
        break;
      case 'conversations.MemberLeft':
      case 'conversations.MemberRemoved':
        if (state.members.get(event.data.personId) === 'owner') state.owners -= 1;
        state.members.delete(event.data.personId);
        break;
      case 'conversations.MessageDeleted':
        addRevision(state.deleted, event.data.messageRevision);
        break;
      case 'conversations.TranscriptImported':
        state.imported.set(event.data.source, event.data.throughLine);
        break;
    }
    return state;
  },
  toSnapshot: (state) => ({ ...state, members: [...state.members], imported: [...state.imported] }),
  fromSnapshot: (snapshot) => ({
    ...snapshot,
    members: new Map(snapshot.members),
    imported: new Map(snapshot.imported),
  }),
});

/** Whether the actor's role in the channel, or on the platform, allows it. */
function may(actor: Actor, permission: FeedPermission, state: ChannelState): boolean {
  return mayIn(state.members.get(actor.id), actor, permission);
}

/** What someone is told who may not act: of a private channel, nothing to outsiders. */
function refuse(actor: Actor, state: ChannelState): Rejection {
  if (state.members.has(actor.id)) return reject('forbidden');
  return state.kind === 'private' ? reject('not-found') : reject('not-a-member');
}

// Commands

const ofChannel = (input: { channelId: string }) => input.channelId;
const channelReply = (_events: readonly RecordedEvent[], input: { channelId: string }) => ({ id: input.channelId });

export const CreateChannel = defineCommand({
  type: 'conversations.CreateChannel',
  class: 'creating',
  aggregate: channel,
  input: z.strictObject({
    name: channelName,
    kind: channelKind.default('public'),
    history: channelHistory.default('all'),
  }),
  streamId: (_input, newId) => newId,
  decide(state, { input, actor, newId }) {
    if (state.kind) return reject('already-exists');
    const created = ChannelCreated({ channelId: newId, ...input, createdBy: actor.id });
    if (actor.id === systemActor.id) return [created];
    return [created, MemberJoined({ personId: actor.id, role: 'owner', how: 'created' })];
  },
  reply(events) {
    const { channelId, ...fields } = eventOf(ChannelCreated, events).data;
    return { id: channelId, ...fields };
  },
});

export const JoinChannel = defineCommand({
  type: 'conversations.JoinChannel',
  class: 'posting',
  aggregate: channel,
  input: z.strictObject({ channelId }),
  streamId: ofChannel,
  decide(state, { actor }) {
    if (state.members.has(actor.id)) return [];
    if (state.kind !== 'public') return reject('not-found');
    return [MemberJoined({ personId: actor.id, role: 'member', how: 'joined' })];
  },
  reply: channelReply,
});

export const AddMember = defineCommand({
  type: 'conversations.AddMember',
  aggregate: channel,
  input: z.strictObject({ channelId, personId }),
  streamId: ofChannel,
  decide(state, { input, actor }) {
    if (!state.kind) return reject('not-found');
    if (!may(actor, 'add-member', state)) return refuse(actor, state);
    if (state.members.has(input.personId)) return [];
    return [MemberJoined({ personId: input.personId, role: 'member', how: 'added' })];
  },
  reply: channelReply,
});

export const LeaveChannel = defineCommand({
  type: 'conversations.LeaveChannel',
  class: 'posting',
  aggregate: channel,
  input: z.strictObject({ channelId, reason: z.string().trim().max(500).optional() }),
  streamId: ofChannel,
  decide(state, { input, actor }) {
    if (!state.members.has(actor.id)) return state.kind === 'public' ? [] : reject('not-found');
    if (isLastOwner(state, actor.id)) return reject('last-owner');
    return [MemberLeft({ personId: actor.id, how: 'left', reason: input.reason || null })];
  },
  reply: channelReply,
});

export const RemoveMember = defineCommand({
  type: 'conversations.RemoveMember',
  aggregate: channel,
  input: z.strictObject({ channelId, personId }),
  streamId: ofChannel,
  decide(state, { input, actor }) {
    if (!state.kind) return reject('not-found');
    if (!may(actor, 'remove-member', state)) return refuse(actor, state);
    if (!state.members.has(input.personId)) return reject('not-found', 'That person is not a member of the channel.');
    if (isLastOwner(state, input.personId)) return reject('last-owner');
    return [MemberRemoved({ personId: input.personId, removedBy: actor.id })];
  },
  reply: channelReply,
});

/** A channel with other members keeps an owner. */
function isLastOwner(state: ChannelState, person: string): boolean {
  return state.members.get(person) === 'owner' && state.owners === 1 && state.members.size > 1;
}

export const PostMessage = defineCommand({
  type: 'conversations.PostMessage',
  class: 'posting',
  aggregate: channel,
  input: z.strictObject({ channelId, text: messageText, kind: messageKind.default('message') }),
  streamId: ofChannel,
  decide(state, { input, actor }) {
    if (!state.kind) return reject('not-found');
    if (!may(actor, 'post', state)) return refuse(actor, state);
    return [MessagePosted({ authorId: actor.id, kind: input.kind, text: input.text })];
  },
  reply(events, input) {
    const { id, data, metadata } = eventOf(MessagePosted, events);
    const { authorId, kind, text } = data;
    return { authorId, kind, text, id, channelId: input.channelId, postedAt: metadata.occurredAt };
  },
});

export const DeleteMessage = defineCommand({
  type: 'conversations.DeleteMessage',
  class: 'posting',
  aggregate: channel,
  input: z.strictObject({ channelId, messageRevision: revision }),
  streamId: ofChannel,
  loads: (input) => input.messageRevision,
  decide(state, { input, actor, loaded }) {
    if (!state.kind) return reject('not-found');
    if (!may(actor, 'post', state) && !may(actor, 'delete-any-message', state)) return refuse(actor, state);
    const message = loaded as ChannelEvent | undefined;
    if (message?.type !== 'conversations.MessagePosted') return reject('not-found', 'There is no such message.');
    if (message.data.authorId !== actor.id && !may(actor, 'delete-any-message', state)) return reject('forbidden');
    if (hasRevision(state.deleted, input.messageRevision)) return [];
    return [MessageDeleted({ messageRevision: input.messageRevision, deletedBy: actor.id })];
  },
  reply: channelReply,
});

// Commands of an import, which issues them together with the joins, posts and leaves of the same lines

/** Opens a lot of lines of a transcript: refused where one of them is imported already. */
export const RecordTranscript = defineCommand({
  type: 'conversations.RecordTranscript',
  issuer: 'system',
  aggregate: channel,
  input: z.strictObject({
    channelId,
    source: z.string().max(200),
    fromLine: z.number().int().positive(),
    throughLine: z.number().int().positive(),
  }),
  streamId: ofChannel,
  decide(state, { input }) {
    if (!state.kind) return reject('not-found');
    if ((state.imported.get(input.source) ?? 0) >= input.fromLine) return reject('already-exists');
    return [TranscriptImported({ source: input.source, throughLine: input.throughLine })];
  },
  reply: channelReply,
});

/** Someone is in the channel without having joined in sight: they spoke, or someone took this name. */
export const AdmitSpeaker = defineCommand({
  type: 'conversations.AdmitSpeaker',
  issuer: 'system',
  aggregate: channel,
  input: z.strictObject({ channelId, personId, how: z.enum(['implied', 'renamed']) }),
  streamId: ofChannel,
  decide(state, { input }) {
    if (!state.kind) return reject('not-found');
    if (state.members.has(input.personId)) return [];
    return [MemberJoined({ personId: input.personId, role: 'member', how: input.how })];
  },
  reply: channelReply,
});

/** Someone goes on under another name: whoever had the old one has left. */
export const RetireName = defineCommand({
  type: 'conversations.RetireName',
  issuer: 'system',
  aggregate: channel,
  input: z.strictObject({ channelId, personId }),
  streamId: ofChannel,
  decide(state, { input }) {
    if (!state.members.has(input.personId)) return [];
    return [MemberLeft({ personId: input.personId, how: 'renamed', reason: null })];
  },
  reply: channelReply,
});

export const channelCommands = [
  CreateChannel,
  JoinChannel,
  AddMember,
  LeaveChannel,
  RemoveMember,
  PostMessage,
  DeleteMessage,
  RecordTranscript,
  AdmitSpeaker,
  RetireName,
] as const;
