import type { ServerProcess } from '../servers/server-process.js';

/** What it took a server to do something a number of times. */
export interface Effort {
  readonly count: number;
  readonly seconds: number;
  /** CPU time of the server. */
  readonly cpuSeconds: number;
}

/** @param body - resolves to how many times it was done, once the server has nothing left to do for it */
export async function effortOf(
  server: Pick<ServerProcess, 'cpuSeconds'>,
  body: () => Promise<number>,
): Promise<Effort> {
  const cpuBefore = await server.cpuSeconds();
  const start = performance.now();
  const count = await body();
  const seconds = (performance.now() - start) / 1_000;
  return { count, seconds, cpuSeconds: (await server.cpuSeconds()) - cpuBefore };
}

/** Times a second. */
export function rateOf({ count, seconds }: Effort): number {
  return count / seconds;
}

/** CPU time of each time, in µs. */
export function cpuOf({ count, cpuSeconds }: Effort): number {
  return (cpuSeconds / count) * 1_000_000;
}

/** How much of a core the server used: below 1, it was waiting for its load, for the disk or for other processes. */
export function busyOf({ cpuSeconds, seconds }: Effort): number {
  return cpuSeconds / seconds;
}
