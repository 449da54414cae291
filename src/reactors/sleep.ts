import { setTimeout as delay } from 'node:timers/promises';

/** Waits so many ms, or until it is told to stop. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
