import type { FeedView } from '../feed-view.js';
import { type Meeting, meetingsProjection } from './meetings.js';

export type MeetingState = Omit<Meeting, 'revision'> & { readonly id: string };

export const meetingView: FeedView<MeetingState> = {
  projections: [meetingsProjection.name],
  async read(reader, id) {
    const meeting = await reader.get<Meeting>('meetings', id);
    if (!meeting) return undefined;
    const { revision, ...fields } = meeting;
    return { revision, state: { id, ...fields } };
  },
};
