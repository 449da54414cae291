import { setTimeout as delay } from 'node:timers/promises';
import { isAnswer, meaningOf } from './kurrentdb-errors.js';

export interface Patience {
  /** How long to go on trying, in ms. */
  readonly forMs: number;
  /** Ends the pauses early, with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Throws once nothing more is to be tried. */
  assertWanted?(): void;
}

const shortestPauseMs = 50;
const longestPauseMs = 1_000;

/** How long to wait after so many tries, in ms: doubled each time, and half of it at random, so that many don't come back at once. */
export function pauseAfter(tries: number): number {
  const longest = Math.min(shortestPauseMs * 2 ** (tries - 1), longestPauseMs);
  return (longest / 2) * (1 + Math.random());
}

/**
 * Makes the same call again until the server has answered or time is up.
 * @throws the last failure
 */
export async function untilAnswered<T>(call: () => Promise<T>, patience: Patience): Promise<T> {
  const end = performance.now() + patience.forMs;
  for (let tries = 1; ; tries += 1) {
    patience.assertWanted?.();
    try {
      return await call();
    } catch (error) {
      const pause = pauseAfter(tries);
      if (isAnswer(meaningOf(error)) || performance.now() + pause > end) throw error;
      await delay(pause, undefined, patience.signal && { signal: patience.signal });
    }
  }
}
