import { Controller } from '@nestjs/common';
import { z } from 'zod';
import {
  AddMember,
  CreateChannel,
  JoinChannel,
  LeaveChannel,
  RemoveMember,
} from '../../../domain/conversations/channel.js';
import { channelId, personId } from '../../../domain/ids.js';
import { ApiController } from '../api-controller.js';
import type { Call } from '../call.js';
import { commandReply, listOf, type Page, page } from '../replies.js';
import { Route } from '../route.js';
import { channelSummary } from './channel-summary.js';
import { GetChannel } from './get-channel.js';
import { ListChannels } from './list-channels.js';
import { ListMembers, memberInList } from './list-members.js';

const ofChannel = z.strictObject({ channelId });
type OfChannel = z.infer<typeof ofChannel>;

@Controller('api/v1/channels')
export class ChannelsController extends ApiController {
  @Route({
    method: 'POST',
    path: '',
    summary: 'Create a channel, and be its owner',
    command: CreateChannel,
    status: 201,
    reply: commandReply.extend(channelSummary.pick({ name: true, kind: true, history: true, createdBy: true }).shape),
  })
  async create(call: Call) {
    return this.execute(CreateChannel.type, call);
  }

  @Route({
    method: 'GET',
    path: '',
    summary: 'The public channels and one’s own, by name',
    query: page,
    reply: listOf(channelSummary),
    reads: ['conversations'],
    problems: ['bad-cursor'],
  })
  async list({ query, session }: Call<unknown, Page>) {
    return this.query(new ListChannels(session.actor.id, query.limit, query.cursor));
  }

  @Route({
    method: 'GET',
    path: ':channelId',
    summary: 'A channel',
    params: ofChannel,
    reply: channelSummary,
    etag: true,
    reads: ['conversations', 'access'],
  })
  async detail({ params, session }: Call<OfChannel>) {
    return this.query(new GetChannel(params.channelId, session.actor.id));
  }

  @Route({
    method: 'POST',
    path: ':channelId/join',
    summary: 'Become a member of a public channel',
    params: ofChannel,
    command: JoinChannel,
    reply: commandReply,
  })
  async join(call: Call) {
    return this.execute(JoinChannel.type, call);
  }

  @Route({
    method: 'POST',
    path: ':channelId/leave',
    summary: 'Leave a channel',
    params: ofChannel,
    command: LeaveChannel,
    reply: commandReply,
    problems: ['last-owner'],
  })
  async leave(call: Call) {
    return this.execute(LeaveChannel.type, call);
  }

  @Route({
    method: 'GET',
    path: ':channelId/members',
    summary: 'The members of a channel that one is a member of',
    params: ofChannel,
    query: page,
    reply: listOf(memberInList),
    reads: ['conversations', 'access', 'identity'],
    problems: ['bad-cursor', 'not-a-member'],
  })
  async members({ params, query, session }: Call<OfChannel, Page>) {
    return this.query(new ListMembers(params.channelId, session.actor.id, query.limit, query.cursor));
  }

  @Route({
    method: 'POST',
    path: ':channelId/members',
    summary: 'Add a member, as a moderator',
    params: ofChannel,
    command: AddMember,
    reply: commandReply,
    problems: ['forbidden', 'not-a-member'],
  })
  async addMember(call: Call) {
    return this.execute(AddMember.type, call);
  }

  @Route({
    method: 'DELETE',
    path: ':channelId/members/:personId',
    summary: 'Remove a member, as a moderator',
    params: ofChannel.extend({ personId }),
    command: RemoveMember,
    reply: commandReply,
    problems: ['forbidden', 'not-a-member', 'last-owner'],
  })
  async removeMember(call: Call) {
    return this.execute(RemoveMember.type, call);
  }
}
