import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { DeleteMessage, PostMessage } from '../../../domain/conversations/channel.js';
import { channelId } from '../../../domain/ids.js';
import { ApiController } from '../api-controller.js';
import type { Call } from '../call.js';
import { commandReply, listOf, type Page, page } from '../replies.js';
import { Route } from '../route.js';
import { ListMessages, messageInList } from './list-messages.js';

const ofChannel = z.strictObject({ channelId });

/** As it stands in a path. */
const messageRevision = z
  .string()
  .regex(/^\d{1,12}$/)
  .transform(Number);

@Controller('api/v1/channels')
export class MessagesController extends ApiController {
  @Route({
    method: 'POST',
    path: ':channelId/messages',
    summary: 'Post a message, as a member',
    params: ofChannel,
    command: PostMessage,
    status: 201,
    reply: commandReply.extend({
      channelId: z.string(),
      authorId: z.string(),
      ...messageInList.pick({ kind: true, text: true, postedAt: true }).shape,
    }),
    problems: ['not-a-member'],
  })
  async post(call: Call) {
    return this.execute(PostMessage.type, call);
  }

  @Route({
    method: 'GET',
    path: ':channelId/messages',
    summary: 'The messages that one may see, the newest first',
    params: ofChannel,
    query: page,
    reply: listOf(messageInList),
    reads: ['conversations', 'access', 'identity'],
    problems: ['bad-cursor', 'not-a-member'],
  })
  async list({ params, query, session }: Call<z.infer<typeof ofChannel>, Page>) {
    return this.query(new ListMessages(params.channelId, session.actor.id, query.limit, query.cursor));
  }

  @Route({
    method: 'DELETE',
    path: ':channelId/messages/:messageRevision',
    summary: 'Delete a message: one’s own, or as a moderator any',
    params: ofChannel.extend({ messageRevision }),
    command: DeleteMessage,
    reply: commandReply,
    problems: ['forbidden', 'not-a-member'],
  })
  async delete(call: Call) {
    return this.execute(DeleteMessage.type, call);
  }
}
