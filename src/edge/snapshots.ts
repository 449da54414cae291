import { setTimeout as sleep } from 'node:timers/promises';
import type { SeenFeed } from '../../projections/feed-view.js';
import { projectionsOf, readFeed } from '../../projections/feed-views.js';
import { ProjectionBehind } from '../commands/port.js';
import type { ReadStore } from '../read-store/port.js';
import type { Positions } from '../read-store/positions.js';

/** How long the projections may take to reach a position, in ms. */
const patienceMs = 2_000;
/** The projections of one feed may be at different positions for a moment. */
const mostTries = 5;
const retryMs = 20;

/** Feeds' states, for those who begin with one. */
export class Snapshots {
  constructor(
    private readonly readStore: Pick<ReadStore, 'read'>,
    private readonly positions: Pick<Positions, 'waitFor'>,
  ) {}

  /**
   * A feed's state as a person who may follow it may see it, after the event at a position or a later one.
   * @throws {ProjectionBehind} if the read models do not get there in time
   */
  async load(feed: string, personId: string, position: bigint): Promise<SeenFeed> {
    const reached = await this.positions.waitFor(projectionsOf(feed), position, patienceMs);
    for (let tries = 0; reached && tries < mostTries; tries += 1) {
      const seen = await this.readStore.read((reader) => readFeed(reader, feed, personId));
      if (seen) return seen;
      await sleep(retryMs);
    }
    throw new ProjectionBehind();
  }
}
