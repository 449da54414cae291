import { z } from 'zod';
import { personId, roomId } from '../../domain/ids.js';

/** What an edge tells with its lease: who is in which room through its sockets, by room id. */
const attendance = z.record(roomId, z.array(personId));
export type Attendance = z.infer<typeof attendance>;

/** Names of the edges' leases begin so. */
export const edgeLeases = 'edge/';

export function writeAttendance(told: Attendance): string {
  return JSON.stringify(told);
}

/** Nobody is anywhere, where the note can't be read. */
export function readAttendance(note: string): Attendance {
  try {
    return attendance.parse(JSON.parse(note));
  } catch {
    return {};
  }
}
