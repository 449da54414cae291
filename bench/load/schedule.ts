import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../measure/seeded-random.js';

/** When messages are sent: moments in ms from the beginning, in order. */
export type Schedule = readonly number[];

/**
 * Moments of bursts: those come as independent people make them (a Poisson process), the same ones each time, and the
 * messages of one come at once.
 */
export function makeSchedule(burstsPerSecond: number, messagesOfBurst: number, seconds: number): Schedule {
  const random = seededRandom(1);
  const moments: number[] = [];
  const nextGap = () => (-Math.log(1 - random()) / burstsPerSecond) * 1_000;
  for (let at = nextGap(); at < seconds * 1_000; at += nextGap()) {
    for (let message = 0; message < messagesOfBurst; message += 1) moments.push(at);
  }
  return moments;
}

/** Calls `send` at each moment; late by a millisecond at most, unless the process has no time. */
export async function follow(schedule: Schedule, send: (index: number) => void): Promise<void> {
  const start = performance.now();
  for (let index = 0; index < schedule.length; ) {
    const now = performance.now() - start;
    for (; index < schedule.length && (schedule[index] as number) <= now; index += 1) send(index);
    await sleep(1);
  }
}
