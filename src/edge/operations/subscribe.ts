import type { Actor } from '../../../domain/decider.js';
import { Refused } from '../../problems.js';
import type { Feed } from '../feed.js';
import type { ClientMessage } from '../protocol.js';
import type { Session } from '../session.js';
import type { Subscription } from '../subscription.js';

/** Holds the place of a subscription while its feed is being opened. */
export class Opening {}

/** Follows a feed: checks that the person may, says where the frames begin, and lets them come. */
export async function subscribe(session: Session, message: ClientMessage<'subscribe'>): Promise<void> {
  const { feed: name } = message;
  const { subscriptions, context } = session;
  if (subscriptions.has(name)) throw new Refused('bad-request', { detail: 'The feed is followed already.' });
  if (subscriptions.size >= context.limits.subscriptionsPerSocket) {
    throw new Refused('bad-request', { detail: 'No more feeds can be followed over this connection.' });
  }
  const opening = new Opening();
  subscriptions.set(name, opening);
  try {
    const feed = await context.feeds.acquire(name);
    await follow(session, feed, message, opening).catch((error: unknown) => {
      context.feeds.release(feed);
      throw error;
    });
  } catch (error) {
    // left meanwhile: nobody waits for an answer
    if (subscriptions.get(name) !== opening) return;
    subscriptions.delete(name);
    throw error;
  }
}

async function follow(
  session: Session,
  feed: Feed,
  message: ClientMessage<'subscribe'>,
  opening: Opening,
): Promise<void> {
  const { id: personId } = session.actor as Actor;
  const subscription = await feed.follow(personId, session);
  try {
    if (!feed.mayFollow(subscription.follower)) throw new Refused('not-found');
    const beginning = await begin(session, subscription, message);
    if (!feed.mayFollow(subscription.follower)) throw new Refused('not-found');
    if (session.closed || session.subscriptions.get(feed.name) !== opening) throw new Left();
    session.subscriptions.set(feed.name, subscription);
    session.send({ op: 'subscribed', feed: feed.name, revision: beginning.revision });
    if (beginning.state !== undefined) {
      session.send({ op: 'snapshot', feed: feed.name, revision: beginning.revision, state: beginning.state });
    }
    session.context.attendance.followed(session, feed.name);
    feed.start(subscription, beginning.revision + 1);
  } catch (error) {
    feed.leave(subscription);
    throw error;
  }
}

/** The client has unsubscribed or gone before the feed was opened. */
class Left extends Error {}

/** The revision after which frames are to be sent, and the state at it if that was asked for. */
async function begin(
  session: Session,
  { feed, follower }: Subscription,
  { from, snapshot }: ClientMessage<'subscribe'>,
): Promise<{ revision: number; state?: unknown }> {
  if (snapshot) {
    const seen = await session.context.snapshots.load(feed.name, follower.personId, feed.position);
    await feed.reach(seen.revision);
    return seen;
  }
  if (from === undefined) return { revision: feed.cursor };
  if (from > feed.cursor + 1) await feed.repair();
  if (from > feed.cursor + 1) {
    throw new Refused('bad-request', { detail: `The feed has not come to revision ${from} yet.` });
  }
  return { revision: from - 1 };
}
