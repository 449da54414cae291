/**
 * The transports that run here. uWebSockets.js comes as a binary that needs glibc 2.38 for Node 22 and later; where it
 * does not load, its tests are not run, and a line says so. `PARLEY_TEST_REQUIRE=uws` makes that a failure.
 */
const unloadable = await import('uWebSockets.js').then(
  () => undefined,
  (error: Error) => error,
);

if (unloadable) {
  if (process.env.PARLEY_TEST_REQUIRE?.split(',').includes('uws')) throw unloadable;
  process.stderr.write(`not run: what goes over uWebSockets.js, which does not load here: ${unloadable.message}\n`);
}

export const uwsLoads = unloadable === undefined;

export const transports: readonly ('uws' | 'ws')[] = uwsLoads ? ['uws', 'ws'] : ['ws'];

/** What the edge itself would choose. */
export const bestTransport: 'uws' | 'ws' = uwsLoads ? 'uws' : 'ws';
