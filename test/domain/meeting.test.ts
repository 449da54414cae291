import { describe, expect, it } from 'vitest';
import { systemActor } from '../../domain/decider.js';
import { CreateMeeting, MeetingBecameDue, MeetingCreated } from '../../domain/meetings/meeting.js';
import { given, idOf, noon, past } from './specification.js';

const meetingId = idOf(9);
const organiser = { actor: { id: idOf(1) }, newId: meetingId };
const startTime = '2030-01-01T13:00:00.000Z';
const endTime = '2030-01-01T14:00:00.000Z';
const planned = { title: 'Planning', startTime, endTime };
const created = MeetingCreated({ meetingId, ...planned, description: '', organiserId: idOf(1) });

describe('CreateMeeting', () => {
  it('plans a meeting, its times in UTC and its title trimmed', () => {
    given()
      .when(
        'meetings.CreateMeeting',
        { ...planned, title: ' Planning ', startTime: '2030-01-01T14:00:00+01:00' },
        organiser,
      )
      .then(created);
  });

  it.each([startTime, '2029-01-01T00:00:00Z'])('refuses a start that has passed: %s', (start) => {
    given()
      .when('meetings.CreateMeeting', { ...planned, startTime: start }, { ...organiser, now: Date.parse(startTime) })
      .thenRefused('start-not-in-future');
  });

  it.each([startTime, '2030-01-01T12:59:59Z'])('refuses an end that is not after the start: %s', (end) => {
    given()
      .when('meetings.CreateMeeting', { ...planned, endTime: end }, organiser)
      .thenRefused('end-not-after-start');
  });

  it.each([
    ['no title', { startTime, endTime }],
    ['an empty title', { ...planned, title: '  ' }],
    ['a title of 101 characters', { ...planned, title: 'x'.repeat(101) }],
    ['a time that is not ISO 8601', { ...planned, startTime: 'tomorrow' }],
    ['a time without an offset', { ...planned, startTime: '2030-01-01T13:00:00' }],
    ['a date that does not exist', { ...planned, startTime: '2030-02-30T13:00:00Z' }],
    ['an unknown field', { ...planned, colour: 'red' }],
  ])('does not parse %s', (_what, input) => {
    expect(CreateMeeting.input.safeParse(input).success).toBe(false);
  });
});

describe('MarkMeetingDue', () => {
  const input = { meetingId, startTime };
  const when = { actor: systemActor, now: noon + 3_600_000 };

  it('marks a meeting whose time has come', () => {
    given(past(`meeting-${meetingId}`, created))
      .when('meetings.MarkMeetingDue', input, when)
      .then(MeetingBecameDue(input));
  });

  it('does so once', () => {
    given(past(`meeting-${meetingId}`, created, MeetingBecameDue(input)))
      .when('meetings.MarkMeetingDue', input, when)
      .thenNothing();
  });

  it('has nothing to do for a start that the meeting no longer has', () => {
    given(past(`meeting-${meetingId}`, created))
      .when('meetings.MarkMeetingDue', { ...input, startTime: '2030-01-01T15:00:00.000Z' }, when)
      .thenNothing();
  });
});
