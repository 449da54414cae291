import { mayFollow, maySee } from '../domain/access.js';
import { channel } from '../domain/conversations/channel.js';
import { profile } from '../domain/identity/profile.js';
import { parseStreamName } from '../domain/ids.js';
import { meeting } from '../domain/meetings/meeting.js';
import { room } from '../domain/rooms/room.js';
import { accessProjection, loadAccess } from './access/access.js';
import { channelView } from './conversations/feed-view.js';
import type { FeedView, SeenFeed } from './feed-view.js';
import { profileView } from './identity/feed-view.js';
import { meetingView } from './meetings/feed-view.js';
import type { Reader } from './reader.js';
import { roomView } from './rooms/feed-view.js';

/** The view of each kind of feed, by its streams' category. */
const views: ReadonlyMap<string, FeedView> = new Map<string, FeedView>([
  [channel.category, channelView],
  [meeting.category, meetingView],
  [room.category, roomView],
  [profile.category, profileView],
]);

/** The projections that `readFeed` reads for this feed. */
export function projectionsOf(feed: string): readonly string[] {
  return [accessProjection.name, ...(views.get(parseStreamName(feed).category)?.projections ?? [])];
}

/**
 * A feed's state as a person may see it.
 * @returns undefined if there is no such feed, it is not folded yet, or the person may not follow it
 */
export async function readFeed(reader: Reader, feed: string, person: string): Promise<SeenFeed | undefined> {
  const { category, id } = parseStreamName(feed);
  const loaded = await loadAccess(reader, feed, person);
  if (!loaded || !mayFollow(loaded.access, loaded.membership)) return undefined;
  const { access, membership } = loaded;
  const seen = await views.get(category)?.read(reader, id, (revision) => maySee(access, membership, revision));
  // Nothing beyond what is known of the access: the person may have been removed meanwhile.
  return seen && seen.revision <= access.revision ? seen : undefined;
}
