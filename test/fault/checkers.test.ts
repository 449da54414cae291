import { describe, expect, it } from 'vitest';
import { storedEvent } from '../fixtures/events.js';
import {
  type AccessOf,
  checkIds,
  checkLag,
  checkNoticed,
  checkOrder,
  checkPosts,
  checkPrefix,
  checkSubscription,
} from './checkers.js';
import { asFarAs, type LoggedEvent, type PostAttempt, type Subscription } from './history.js';

/** The checkers must find what is wrong in histories that are known to be bad. */

const feed = 'channel-1';
const event = (revision: number, text?: string): LoggedEvent => ({
  stream: feed,
  revision,
  position: BigInt(revision + 1),
  id: `event ${revision}`,
  type: 'conversations.MessagePosted',
  commandId: `command ${revision}`,
  ...(text === undefined ? {} : { text }),
});
const log = [event(0), event(1, 'one'), event(2, 'two')];
const attempt = (text: string, outcome: PostAttempt['outcome'], revision?: number): PostAttempt => ({
  feed,
  text,
  outcome,
  acknowledged: revision === undefined ? [] : [{ revision, position: String(revision + 1) }],
});

describe('checkPosts', () => {
  it.each([
    ['acknowledged and there', attempt('one', 'ok', 1)],
    ['refused and not there', attempt('three', 'refused')],
    ['unknown and there', attempt('two', 'unknown')],
    ['unknown and not there', attempt('three', 'unknown')],
  ])('passes a post that is %s', (_what, post) => {
    expect(checkPosts([post], log)).toEqual([]);
  });

  it.each([
    ['acknowledged and lost', attempt('three', 'ok', 3)],
    ['refused and there', attempt('one', 'refused')],
    ['said to be elsewhere', attempt('one', 'ok', 2)],
  ])('finds a post that is %s', (_what, post) => {
    expect(checkPosts([post], log)).toHaveLength(1);
  });

  it('finds a post that is there twice', () => {
    expect(checkPosts([attempt('one', 'unknown')], [...log, event(3, 'one')])).toHaveLength(1);
  });
});

describe('checkOrder', () => {
  it('passes what is in order', () => expect(checkOrder(log)).toEqual([]));
  it('finds a gap', () => expect(checkOrder([event(0), event(2)])).toHaveLength(1));
  it('finds a doubled event', () => expect(checkOrder([event(0), event(0)])).toHaveLength(2));
});

describe('checkIds', () => {
  it('passes ids that rise', () => expect(checkIds(log)).toEqual([]));
  it('finds one that does not', () => {
    expect(checkIds([event(0), { ...event(1), id: event(0).id }])).toHaveLength(1);
    expect(checkIds([{ ...event(0), id: 'z' }, event(1)])).toHaveLength(1);
  });
});

describe('checkPrefix', () => {
  it('passes a log that has lost its end, or nothing', () => {
    for (const length of [0, 1, 3]) expect(checkPrefix(log.slice(0, length), log)).toEqual([]);
  });

  it.each([
    ['another event', [event(0), { ...event(1, 'one'), id: 'another' }]],
    ['another text', [event(0), event(1, 'another')]],
    ['an event elsewhere', [event(0), { ...event(1, 'one'), position: 3n }]],
    ['an event that was never there', [...log, event(3)]],
  ])('finds %s', (_what, torn) => {
    expect(checkPrefix(torn, log)).toHaveLength(1);
  });

  it('finds half of what a command made', () => {
    const together = log.map((each) => ({ ...each, commandId: 'one' }));
    expect(checkPrefix(together.slice(0, 2), together)).toHaveLength(1);
  });
});

describe('checkNoticed', () => {
  const events = [0, 1, 2].map((revision) =>
    storedEvent(
      { id: `event ${revision}`, type: 'tests.Done', data: '{}', metadata: '{}' },
      {
        stream: feed,
        revision,
        position: BigInt(revision + 1),
      },
    ),
  );
  const changed = (at: number) => events.map((each, index) => (index === at ? { ...each, data: '{"a":1}' } : each));

  it('passes what is as it was, what was noticed, and a change of the last event', () => {
    expect(checkNoticed({ events, findings: [] }, events)).toEqual([]);
    expect(checkNoticed({ events: changed(1), findings: ['damaged'] }, events)).toEqual([]);
    expect(checkNoticed({ events: [], findings: ['unreadable'] }, events)).toEqual([]);
    expect(checkNoticed({ events: changed(2), findings: [] }, events)).toEqual([]);
  });

  it('finds a change and a loss that nobody noticed', () => {
    expect(checkNoticed({ events: changed(1), findings: [] }, events)).toHaveLength(1);
    expect(checkNoticed({ events: events.slice(0, 2), findings: [] }, events)).toHaveLength(1);
  });
});

describe('asFarAs', () => {
  it('leaves what the log holds, and knows nothing of the rest', () => {
    const [kept, lost, refused] = [attempt('one', 'ok', 1), attempt('two', 'ok', 2), attempt('three', 'refused')];
    const unknown = { ...lost, outcome: 'unknown', acknowledged: [] };
    expect(asFarAs(log.slice(0, 2), [kept, lost, refused])).toEqual([kept, unknown, refused]);
  });
});

describe('checkLag', () => {
  const check = (...lags: Parameters<typeof checkLag>[0]) => checkLag(lags, ['rooms', 'access']);

  it('passes projections that have come to the head, whatever was before', () => {
    expect(check({ rooms: 0, access: 0 })).toEqual([]);
    expect(check({}, { rooms: 12, access: 3 }, { rooms: 0, access: 0 })).toEqual([]);
  });

  it.each([
    ['behind still', [{ rooms: 2, access: 0 }]],
    [
      'at the head once, and behind again',
      [
        { rooms: 0, access: 0 },
        { rooms: 1, access: 0 },
      ],
    ],
    ['folded by nobody', [{ access: 0 }]],
    ['folded by nobody any longer', [{ rooms: 0, access: 0 }, { access: 0 }]],
  ])('finds a projection that is %s', (_what, lags) => {
    expect(check(...(lags as Parameters<typeof checkLag>[0]))).toHaveLength(1);
  });

  it('finds all of them where nobody was ever asked', () => expect(check()).toHaveLength(2));
});

describe('checkSubscription', () => {
  const accessOf = (to: number | null): AccessOf => ({
    access: { visibility: 'since-joined', revision: 2 },
    membership: () => ({ intervals: [[1, to]], role: 'member', revision: to ?? 1 }),
  });
  const got = (...frames: Subscription['frames']): Subscription => ({ feed, person: 'ada', live: true, frames });
  const bare = (revision: number) => ({ revision, bare: true });
  const full = (revision: number, text: string) => ({ revision, bare: false, text });
  const isPublic = () => true;
  const check = (subscription: Subscription, to: number | null = null) =>
    checkSubscription(subscription, log, accessOf(to), isPublic);

  it('passes what was seen as it may be', () => {
    expect(check(got(bare(0), full(1, 'one'), full(2, 'two')))).toEqual([]);
    expect(check({ ...got(bare(0), full(1, 'one')), live: false })).toEqual([]);
  });

  it.each([
    ['missing', got(bare(0), full(2, 'two'))],
    ['missing at the end', got(bare(0), full(1, 'one'))],
    ['doubled', got(bare(0), full(1, 'one'), full(1, 'one'), full(2, 'two'))],
    ['out of order', got(bare(0), full(2, 'two'), full(1, 'one'))],
    ['of another text', got(bare(0), full(1, 'two'), full(2, 'two'))],
    ['withheld', got(bare(0), bare(1), full(2, 'two'))],
    ['not to be seen', got(full(0, ''), full(1, 'one'), full(2, 'two'))],
  ])('finds a frame that is %s', (_what, subscription) => {
    expect(check(subscription)).not.toEqual([]);
  });

  it('finds what was seen after a removal', () => {
    expect(check(got(bare(0), full(1, 'one'), full(2, 'two')), 1)).toHaveLength(1);
  });
});
