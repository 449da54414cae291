import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openSqliteEventStore } from '../../src/event-store/sqlite.js';
import type { Follower } from './clients.js';
import type { Lags } from './history.js';

/** What is waited for when everything is well again: that all who are behind catch up, by themselves. */

/** How long they may take, in ms. */
const deadlineMs = 90_000;

/**
 * Stops the followers once each has everything of its feed, or was told again that it may not follow it; at the latest
 * when the time is up, and what is missing then is found by the checkers.
 */
export async function stopWhenCaughtUp(followers: readonly Follower[], dataDirectory: string): Promise<void> {
  for (const follower of followers) follower.answered = false;
  const heads = await headsOf(new Set(followers.map(({ feed }) => feed)), dataDirectory);
  const hasAll = ({ isLive, answered, frames, feed }: Follower) =>
    isLive ? frames > (heads.get(feed) as number) : answered;
  const end = Date.now() + deadlineMs;
  while (!followers.every(hasAll) && Date.now() < end) await delay(100);
  for (const follower of followers) follower.stop();
}

async function headsOf(feeds: Iterable<string>, dataDirectory: string): Promise<Map<string, number>> {
  const eventStore = await openSqliteEventStore(join(dataDirectory, 'events.db'));
  const heads = new Map<string, number>();
  for (const feed of feeds) {
    const [last] = await eventStore.readStream(feed, { direction: 'backwards', limit: 1 });
    heads.set(feed, last?.revision ?? -1);
  }
  await eventStore.close();
  return heads;
}

/** @param urls - of the processes that may fold @returns what was answered until everything was folded or time is up */
export async function lagsUntilZero(urls: readonly string[]): Promise<Lags[]> {
  const lags: Lags[] = [];
  for (const end = Date.now() + deadlineMs; ; ) {
    const now = Object.assign({}, ...(await Promise.all(urls.map(lagsAt)))) as Lags;
    lags.push(now);
    const behind = Object.values(now);
    if ((behind.length > 0 && behind.every((lag) => lag === 0)) || Date.now() > end) return lags;
    await delay(250);
  }
}

async function lagsAt(url: string): Promise<Lags> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const found = metrics.matchAll(/^parley_projection_lag\{projection="([^"]+)"\} (\d+)$/gm);
  return Object.fromEntries([...found].map(([, projection, lag]) => [projection, Number(lag)]));
}
