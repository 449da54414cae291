import { MeetingBecameDue, MeetingCreated } from '../../domain/meetings/meeting.js';
import { type Collection, changes, creates, type Projection } from '../projection.js';

export interface Meeting {
  title: string;
  description: string;
  /** ISO 8601 in UTC, as `endTime` and `createdAt`. */
  startTime: string;
  endTime: string;
  organiserId: string;
  due: boolean;
  revision: number;
  createdAt: string;
}

/** By meeting id. */
const meetings: Collection<Meeting> = {
  name: 'meetings',
  indexes: [['organiserId', 'startTime']],
  folds: new Map([
    creates(
      MeetingCreated,
      ({ data }) => data.meetingId,
      ({ data: { meetingId: _, ...fields }, revision, metadata }): Meeting => ({
        ...fields,
        due: false,
        revision,
        createdAt: metadata.occurredAt,
      }),
    ),
    changes(
      MeetingBecameDue,
      ({ data }) => data.meetingId,
      (meeting: Meeting, { revision }) => Object.assign(meeting, { due: true, revision }),
    ),
  ]),
};

export const meetingsProjection: Projection = { name: 'meetings', version: 1, collections: [meetings] };
