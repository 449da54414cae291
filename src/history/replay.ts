import {
  evolveFeedAccess,
  evolveMembership,
  type FeedAccess,
  isModerator,
  type Membership,
  maySee,
} from '../../domain/access.js';
import { events as eventDefinitions } from '../../domain/catalogue.js';
import type { RecordedEvent } from '../../domain/event.js';
import { type BareFrame, bareFrame, type Frame, publicFrame } from '../../domain/frame.js';
import type { Codec } from '../event-store/codec.js';
import type { EventStore } from '../event-store/port.js';

/** What a feed showed its followers, from the log alone. */

/** A bound: a revision, or a moment in ms since 1970. */
export type ReplayBound = { readonly revision: number } | { readonly at: number };

export interface ReplayOptions {
  readonly eventStore: Pick<EventStore, 'readStream'>;
  readonly codec: Pick<Codec, 'decode'>;
  readonly feed: string;
  /** First and last one shown; both are. */
  readonly from?: ReplayBound;
  readonly to?: ReplayBound;
  /** Only what this person may see; else what moderators may. */
  readonly as?: string;
}

/** The feed does not exist. */
export class NoSuchFeed extends Error {}

const pageSize = 500;

/**
 * The feed's frames in order; an event that is not for the reader is a bare frame, as it is live.
 * @throws {NoSuchFeed}
 */
export async function* replayFeed(options: ReplayOptions): AsyncGenerator<Frame | BareFrame, void, undefined> {
  const { from, to, as } = options;
  const viewer = as === undefined ? undefined : await Viewer.of(options, as);
  const first = from && 'revision' in from ? from.revision : 0;
  for await (const event of feedEvents(options, first)) {
    if (to && 'revision' in to && event.revision > to.revision) return;
    if (isWithin(event, from, to)) yield frameFor(event, viewer);
  }
}

/** Times need not rise along a feed that was imported. */
function isWithin({ metadata }: RecordedEvent, from: ReplayBound | undefined, to: ReplayBound | undefined): boolean {
  const at = Date.parse(metadata.occurredAt);
  return !(from && 'at' in from && at < from.at) && !(to && 'at' in to && at > to.at);
}

function frameFor(event: RecordedEvent, viewer: Viewer | undefined): Frame | BareFrame {
  if (viewer && !viewer.maySee(event.revision)) return bareFrame(event);
  switch (eventDefinitions.get(event.type)?.audience) {
    case 'followers':
      return publicFrame(event);
    case 'moderators':
      return !viewer || viewer.isModerator ? publicFrame(event) : bareFrame(event);
    default:
      return bareFrame(event);
  }
}

/** @throws {NoSuchFeed} */
async function* feedEvents({ eventStore, codec, feed }: ReplayOptions, first: number): AsyncGenerator<RecordedEvent> {
  if ((await eventStore.readStream(feed, { limit: 1 })).length === 0) throw new NoSuchFeed(`There is no feed ${feed}.`);
  for (let from = first; ; from += pageSize) {
    const page = await eventStore.readStream(feed, { from, limit: pageSize });
    yield* await codec.decode(page);
    if (page.length < pageSize) return;
  }
}

/** Someone who looks at a feed, with what they may see of it now. */
class Viewer {
  private constructor(
    private readonly access: FeedAccess | undefined,
    private readonly membership: Membership | undefined,
  ) {}

  static async of(options: ReplayOptions, person: string): Promise<Viewer> {
    let access: FeedAccess | undefined;
    let membership: Membership | undefined;
    for await (const event of feedEvents(options, 0)) {
      const changes = eventDefinitions.get(event.type)?.access(event) ?? [];
      access = evolveFeedAccess(access, event.revision, changes);
      for (const change of changes) {
        if (change.kind === 'visibility' || change.person !== person) continue;
        membership = evolveMembership(membership, event.revision, change);
      }
    }
    return new Viewer(access, membership);
  }

  get isModerator(): boolean {
    return isModerator(this.membership);
  }

  maySee(revision: number): boolean {
    return this.access !== undefined && maySee(this.access, this.membership, revision);
  }
}
