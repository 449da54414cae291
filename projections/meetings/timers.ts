import { MarkMeetingDue, MeetingBecameDue, MeetingCreated } from '../../domain/meetings/meeting.js';
import { timer } from '../timers/timer.js';

/** Tells when a meeting's start time has come. */
export const meetingDue = timer({
  name: 'meeting-due',
  startedBy: MeetingCreated,
  subject: ({ data }) => data.meetingId,
  dueAt: ({ data }) => data.startTime,
  command: ({ data: { meetingId, startTime } }) => ({ type: MarkMeetingDue.type, input: { meetingId, startTime } }),
  endedBy: [[MeetingBecameDue, ({ data }) => data.meetingId]],
});
