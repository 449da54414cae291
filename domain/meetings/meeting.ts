import { z } from 'zod';
import { defineAggregate, defineCommand } from '../decider.js';
import { defineEvent, eventOf, type RecordedOf } from '../event.js';
import { instant, meetingId } from '../ids.js';
import { reject } from '../rejections.js';

/** A scheduled meeting. Its id is its invitation: whoever is logged in and knows it may see and follow it. */

const meetingTitle = z.string().trim().min(1, 'is required').max(100, 'must be at most 100 characters');
const meetingDescription = z.string().trim().max(2_000, 'must be at most 2,000 characters');

// Events

export const MeetingCreated = defineEvent({
  type: 'meetings.MeetingCreated',
  data: z.strictObject({
    meetingId,
    title: meetingTitle,
    description: meetingDescription,
    startTime: instant,
    endTime: instant,
    organiserId: z.string(),
  }),
  audience: 'followers',
  access: ({ data }) => [
    { kind: 'visibility', visibility: 'everyone' },
    { kind: 'joined', person: data.organiserId, role: 'owner' },
  ],
});

/** The start time has come; appended once, by the timer. */
export const MeetingBecameDue = defineEvent({
  type: 'meetings.MeetingBecameDue',
  data: z.strictObject({ meetingId, startTime: instant }),
  audience: 'followers',
});

export const meetingEvents = { MeetingCreated, MeetingBecameDue };
export type MeetingEvent = RecordedOf<typeof meetingEvents>;

// State

export interface MeetingState {
  startTime?: string;
  due: boolean;
  changedAt: number;
}

export const meeting = defineAggregate<MeetingState>({
  category: 'meeting',
  version: 1,
  initialState: () => ({ due: false, changedAt: -1 }),
  changedAt: (state) => state.changedAt,
  evolve(state: MeetingState, event: MeetingEvent): MeetingState {
    state.changedAt = event.revision;
    switch (event.type) {
      case 'meetings.MeetingCreated':
        state.startTime = event.data.startTime;
        break;
      case 'meetings.MeetingBecameDue':
        state.due = true;
        break;
    }
    return state;
  },
});

// Commands

export const CreateMeeting = defineCommand({
  type: 'meetings.CreateMeeting',
  class: 'creating',
  aggregate: meeting,
  input: z.strictObject({
    title: meetingTitle,
    description: meetingDescription.default(''),
    startTime: instant,
    endTime: instant,
  }),
  streamId: (_input, newId) => newId,
  decide(state, { input, actor, newId, now }) {
    if (state.startTime) return reject('already-exists');
    if (Date.parse(input.startTime) <= now) return reject('start-not-in-future', undefined, 'startTime');
    if (input.endTime <= input.startTime) return reject('end-not-after-start', undefined, 'endTime');
    return [MeetingCreated({ meetingId: newId, ...input, organiserId: actor.id })];
  },
  reply(events) {
    const { meetingId, ...fields } = eventOf(MeetingCreated, events).data;
    return { id: meetingId, ...fields };
  },
});

/** What the timer does when a meeting's start time has come. */
export const MarkMeetingDue = defineCommand({
  type: 'meetings.MarkMeetingDue',
  issuer: 'system',
  aggregate: meeting,
  input: z.strictObject({ meetingId, startTime: instant }),
  streamId: (input) => input.meetingId,
  decide(state, { input }) {
    if (!state.startTime) return reject('not-found');
    if (state.due || state.startTime !== input.startTime) return [];
    return [MeetingBecameDue(input)];
  },
  reply: (_events, input) => ({ id: input.meetingId }),
});

export const meetingCommands = [CreateMeeting, MarkMeetingDue] as const;
