import { describe, expect, it } from 'vitest';
import { MarkMeetingDue, MeetingBecameDue, MeetingCreated } from '../../../domain/meetings/meeting.js';
import { meetingsProjection } from '../../../projections/meetings/meetings.js';
import { timersProjection } from '../../../projections/timers/timers.js';
import { idOf, past, record } from '../specification.js';
import { fold } from './folding.js';

const meetingId = idOf(1);
const startTime = '2030-01-31T09:30:00.000Z';
const fields = {
  title: 'Planning',
  description: '',
  startTime,
  endTime: '2030-01-31T10:30:00.000Z',
  organiserId: idOf(2),
};
const created = MeetingCreated({ meetingId, ...fields });
const due = MeetingBecameDue({ meetingId, startTime });

describe('the projection of meetings', () => {
  it('shows a meeting, and then that its time has come', () => {
    const events = record(past(`meeting-${meetingId}`, created, due));
    const createdAt = events[0]?.metadata.occurredAt;
    expect(fold(meetingsProjection, events.slice(0, 1))).toEqual({
      [`meetings/${meetingId}`]: { ...fields, due: false, revision: 0, createdAt },
    });
    expect(fold(meetingsProjection, events)).toEqual({
      [`meetings/${meetingId}`]: { ...fields, due: true, revision: 1, createdAt },
    });
  });
});

describe('the projection of timers', () => {
  it('holds a timer from the creation of a meeting until it has become due', () => {
    const events = record(past(`meeting-${meetingId}`, created, due));
    expect(fold(timersProjection, events.slice(0, 1))).toEqual({
      [`timers/meeting-due/${meetingId}`]: {
        dueAt: startTime,
        command: { type: MarkMeetingDue.type, input: { meetingId, startTime } },
      },
    });
    expect(fold(timersProjection, events)).toEqual({});
  });
});
