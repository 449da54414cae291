import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { FeedSubscription, type SubscribeOptions } from '../../client/feed-subscription.js';
import { Subscriptions } from '../../client/subscriptions.js';
import type { ClientMessage, ServerMessage } from '../../src/edge/protocol.js';
import { problemOf } from '../../src/problems.js';
import { eventually } from './world.js';

const feed = 'channel-1';

function follow(options: Partial<SubscribeOptions> = {}) {
  const sent: ClientMessage[] = [];
  const came: unknown[] = [];
  const subscription = new FeedSubscription(
    feed,
    { onFrame: ({ revision }) => came.push(revision), onEnd: (error) => came.push(error), ...options },
    (message) => sent.push(message) > 0,
    () => {},
  );
  const receive = (...messages: ServerMessage[]) => {
    for (const message of messages) subscription.receive(message);
  };
  subscription.resume();
  return { subscription, sent, came, receive };
}

const subscribed = (revision: number): ServerMessage => ({ op: 'subscribed', feed, revision });
const bare = (revision: number): ServerMessage => ({ op: 'event', feed, revision, position: '1' });
const frame = (revision: number): ServerMessage => ({
  op: 'event',
  feed,
  revision,
  position: '1',
  type: 'conversations.MessagePosted',
  version: 1,
  at: '2030-01-01T00:00:00.000Z',
  actor: 'someone',
  data: {},
});

describe('a subscription of the client', () => {
  it('hands over each frame once, however often it comes', () => {
    const { receive, came } = follow({ from: 3 });
    receive(subscribed(2), frame(3), frame(3), frame(4), frame(3), frame(4), frame(5));
    expect(came).toEqual([3, 4, 5]);
  });

  it('resumes behind the last frame, bare ones included', () => {
    const { receive, subscription, sent } = follow();
    receive(subscribed(7), frame(8), bare(9));
    subscription.resume();
    expect(sent).toEqual([
      { op: 'subscribe', feed },
      { op: 'subscribe', feed, from: 10 },
    ]);
  });

  it('resumes where it would have begun when no frame has come yet', () => {
    const { receive, subscription, sent } = follow();
    receive(subscribed(7));
    subscription.resume();
    expect(sent.at(-1)).toEqual({ op: 'subscribe', feed, from: 8 });
  });

  it('asks for the snapshot again when the connection was lost before it came', () => {
    const { receive, subscription, sent } = follow({ snapshot: true });
    receive(subscribed(7));
    subscription.resume();
    expect(sent.at(-1)).toEqual({ op: 'subscribe', feed, snapshot: true });
  });

  it('hands over what one may not see only to who asks for it', () => {
    const places: number[] = [];
    const { receive, came } = follow({ onBareFrame: ({ revision }) => places.push(revision) });
    receive(subscribed(0), frame(1), bare(2), frame(3));
    expect([came, places]).toEqual([[1, 3], [2]]);
  });

  it('tries again when the server can not answer at the moment', async () => {
    const { receive, sent, came } = follow({ from: 0 });
    receive({ op: 'error', feed, problem: problemOf('projection-behind') });
    await eventually(() => sent.length === 2);
    expect(sent[1]).toEqual({ op: 'subscribe', feed, from: 0 });
    expect(came).toEqual([]);
  });

  it('asks once where a new connection comes before it has tried again', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { receive, subscription, sent } = follow({ from: 0 });
    receive({ op: 'error', feed, problem: problemOf('projection-behind') });
    subscription.resume();
    await vi.runAllTimersAsync();
    expect(sent).toHaveLength(2);
  });

  it('does not ask any longer once it is unsubscribed', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { receive, subscription, sent } = follow({ from: 0 });
    receive({ op: 'error', feed, problem: problemOf('projection-behind') });
    subscription.unsubscribe();
    await vi.runAllTimersAsync();
    expect(sent.slice(1)).toEqual([{ op: 'unsubscribe', feed }]);
  });

  it('ends once, with the problem', () => {
    const { receive, came } = follow();
    const gone: ServerMessage = { op: 'unsubscribed', feed, problem: problemOf('not-found') };
    receive(subscribed(0), gone, gone, frame(1));
    expect(came).toMatchObject([{ code: 'not-found' }]);
  });

  it('hears nothing any longer once it is unsubscribed', () => {
    const { receive, subscription, sent, came } = follow();
    receive(subscribed(0), frame(1));
    subscription.unsubscribe();
    subscription.unsubscribe();
    receive(frame(2), { op: 'unsubscribed', feed });
    expect(came).toEqual([1]);
    expect(sent.slice(1)).toEqual([{ op: 'unsubscribe', feed }]);
  });

  it('gets nothing of the one before it that was left', () => {
    const subscriptions = new Subscriptions(() => true);
    const [first, second]: number[][] = [[], []];
    subscriptions.add(feed, { from: 5, onFrame: ({ revision }) => first?.push(revision) }).unsubscribe();
    subscriptions.add(feed, { from: 0, onFrame: ({ revision }) => second?.push(revision) });
    const receive = (message: ServerMessage) => subscriptions.receive(message as ServerMessage & { feed: string });
    for (const message of [subscribed(4), frame(5), { op: 'unsubscribed', feed } as const]) receive(message);
    for (const message of [subscribed(-1), frame(0), frame(1)]) receive(message);
    expect([first, second]).toEqual([[], [0, 1]]);
  });

  it('is the only one of its feed', () => {
    const subscriptions = new Subscriptions(() => true);
    subscriptions.add(feed, { onFrame() {} });
    expect(() => subscriptions.add(feed, { onFrame() {} })).toThrow('followed already');
  });
});
