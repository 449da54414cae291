import type { Projection } from '../../projections/projection.js';
import type { EventStore } from '../event-store/port.js';
import type { ReadStore } from '../read-store/port.js';

/** A projection holds events that are not in the log: the log has lost some, or the read store belongs to another log. */
export class CheckpointAhead extends Error {
  constructor(projection: string, position: bigint, head: bigint) {
    super(
      `The read model ${projection} is at position ${position}, but the log ends at ${head}: the log has lost events, ` +
        'or the read store belongs to another log. Restore the log; or, if it is right, delete the read store, and it ' +
        'is built again.',
    );
  }
}

export interface CheckpointsOptions {
  readonly eventStore: Pick<EventStore, 'head'>;
  readonly readStore: Pick<ReadStore, 'liveCheckpoint'>;
  readonly projections: readonly Pick<Projection, 'name'>[];
}

/**
 * To be asked before anything is appended: once the log has grown past the checkpoints, nothing shows any more that they
 * are of other events.
 * @throws {CheckpointAhead}
 */
export async function refuseCheckpointsAhead({
  eventStore,
  readStore,
  projections,
}: CheckpointsOptions): Promise<void> {
  // Before the head is read, since both go on growing.
  const checkpoints = await Promise.all(
    projections.map(async ({ name }) => ({ name, position: await readStore.liveCheckpoint(name) })),
  );
  const head = await eventStore.head();
  const ahead = checkpoints.find(({ position }) => position > head);
  if (ahead) throw new CheckpointAhead(ahead.name, ahead.position, head);
}
