import type { FeedAccess, Membership } from '../../domain/access.js';
import { accessProjection, loadAccess } from '../../projections/access/access.js';
import { ProjectionBehind } from '../commands/port.js';
import type { ReadStore } from '../read-store/port.js';
import type { Positions } from '../read-store/positions.js';
import type { AccessReader } from './feed.js';

/** How long the projection may take to reach a feed's cursor, in ms. */
const patienceMs = 2_000;

/** Feeds' access as the projection has folded it. */
export class StoredAccess implements AccessReader {
  constructor(
    private readonly readStore: Pick<ReadStore, 'read'>,
    private readonly positions: Pick<Positions, 'waitFor'>,
  ) {}

  feedAccess(feed: string): Promise<FeedAccess | undefined> {
    return this.readStore.read((reader) => reader.get<FeedAccess>('feedAccess', feed));
  }

  async membership(feed: string, personId: string, position: bigint): Promise<Membership | undefined> {
    const reached = await this.positions.waitFor([accessProjection.name], position, patienceMs);
    if (!reached) throw new ProjectionBehind();
    const loaded = await this.readStore.read((reader) => loadAccess(reader, feed, personId));
    return loaded?.membership;
  }
}
