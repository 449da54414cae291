import { Query, QueryHandler } from '@nestjs/cqrs';
import { streamName } from '../../../domain/ids.js';
import { meeting as meetingAggregate } from '../../../domain/meetings/meeting.js';
import type { Meeting } from '../../../projections/meetings/meetings.js';
import type { Reader } from '../../../projections/reader.js';
import { Refused } from '../../problems.js';
import { accessToFollow, ReadingHandler, within } from '../query.js';
import { detailOf, type MeetingDetail } from './meeting-detail.js';

export class GetMeeting extends Query<MeetingDetail> {
  constructor(
    readonly meetingId: string,
    readonly person: string,
  ) {
    super();
  }
}

@QueryHandler(GetMeeting)
export class GetMeetingHandler extends ReadingHandler<GetMeeting, MeetingDetail> {
  protected async read(reader: Reader, { meetingId, person }: GetMeeting): Promise<MeetingDetail> {
    const loaded = await accessToFollow(reader, streamName(meetingAggregate.category, meetingId), person);
    const meeting = within(loaded, await reader.get<Meeting>('meetings', meetingId));
    if (!meeting) throw new Refused('not-found');
    return detailOf(meetingId, meeting);
  }
}
