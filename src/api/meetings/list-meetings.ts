import { Query, QueryHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import type { Meeting } from '../../../projections/meetings/meetings.js';
import type { Reader } from '../../../projections/reader.js';
import { decodeCursor } from '../cursor.js';
import { ReadingHandler } from '../query.js';
import { type List, pageOf } from '../replies.js';
import { detailOf, type MeetingDetail } from './meeting-detail.js';

/** The start time and id of the last meeting of the page before. */
const place = z.tuple([z.iso.datetime(), z.string()]);

/** The meetings that a person has called, by start time. */
export class ListMeetings extends Query<List<MeetingDetail>> {
  constructor(
    readonly person: string,
    readonly limit: number,
    readonly cursor?: string,
  ) {
    super();
  }
}

@QueryHandler(ListMeetings)
export class ListMeetingsHandler extends ReadingHandler<ListMeetings, List<MeetingDetail>> {
  protected async read(reader: Reader, { person, limit, cursor }: ListMeetings): Promise<List<MeetingDetail>> {
    const after = cursor === undefined ? undefined : decodeCursor(cursor, place);
    const found = await reader.find<Meeting>('meetings', {
      where: { organiserId: person },
      orderBy: 'startTime',
      ...(after && { after: { value: after[0], id: after[1] } }),
      limit: limit + 1,
    });
    const { shown, next } = pageOf(found, limit, ({ id, document }) => [document.startTime, id]);
    return { items: shown.map(({ id, document }) => detailOf(id, document)), next };
  }
}
