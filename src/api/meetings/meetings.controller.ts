import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { meetingId } from '../../../domain/ids.js';
import { CreateMeeting } from '../../../domain/meetings/meeting.js';
import { ApiController } from '../api-controller.js';
import type { Call } from '../call.js';
import { commandReply, listOf, type Page, page } from '../replies.js';
import { Route } from '../route.js';
import { GetMeeting } from './get-meeting.js';
import { ListMeetings } from './list-meetings.js';
import { meetingDetail } from './meeting-detail.js';

const ofMeeting = z.strictObject({ meetingId });

@Controller('api/v1/meetings')
export class MeetingsController extends ApiController {
  @Route({
    method: 'POST',
    path: '',
    summary: 'Call a meeting',
    command: CreateMeeting,
    status: 201,
    reply: commandReply.extend(meetingDetail.omit({ due: true, createdAt: true }).shape),
    problems: ['start-not-in-future', 'end-not-after-start'],
  })
  async create(call: Call) {
    return this.execute(CreateMeeting.type, call);
  }

  @Route({
    method: 'GET',
    path: '',
    summary: 'The meetings that one has called, by start time',
    query: page,
    reply: listOf(meetingDetail),
    reads: ['meetings'],
    problems: ['bad-cursor'],
  })
  async list({ query, session }: Call<unknown, Page>) {
    return this.query(new ListMeetings(session.actor.id, query.limit, query.cursor));
  }

  @Route({
    method: 'GET',
    path: ':meetingId',
    summary: 'A meeting',
    params: ofMeeting,
    reply: meetingDetail,
    etag: true,
    reads: ['meetings', 'access'],
  })
  async detail({ params, session }: Call<z.infer<typeof ofMeeting>>) {
    return this.query(new GetMeeting(params.meetingId, session.actor.id));
  }
}
