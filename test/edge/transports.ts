import { notRun } from '../fixtures/not-run.js';

/**
 * The transports that run here. uWebSockets.js comes as a binary that needs glibc 2.38 for Node 22 and later; where it
 * does not load, its tests are not run.
 */
const unloadable = await import('uWebSockets.js').then(
  () => undefined,
  (error: Error) => error,
);

if (unloadable) notRun('what goes over uWebSockets.js', 'uws', `it does not load here: ${unloadable.message}`);

export const uwsLoads = unloadable === undefined;

export const transports: readonly ('uws' | 'ws')[] = uwsLoads ? ['uws', 'ws'] : ['ws'];

/** What the edge itself would choose. */
export const bestTransport: 'uws' | 'ws' = uwsLoads ? 'uws' : 'ws';
