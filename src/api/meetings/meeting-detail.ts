import { z } from 'zod';
import type { Meeting } from '../../../projections/meetings/meetings.js';

/** A meeting as its organiser and those invited see it. */
export const meetingDetail = z.object({
  id: z.string(),
  title: z.string(),
  description: z.string(),
  startTime: z.iso.datetime(),
  endTime: z.iso.datetime(),
  organiserId: z.string(),
  due: z.boolean().meta({ description: 'Whether the start time has come.' }),
  createdAt: z.iso.datetime(),
  revision: z.number().int(),
});
export type MeetingDetail = z.infer<typeof meetingDetail>;

export function detailOf(id: string, meeting: Meeting): MeetingDetail {
  return { id, ...meeting };
}
