import fc from 'fast-check';
import { expect, it } from 'vitest';
import { anyFates, LossyBroker, quickRelay } from './lossy-broker.js';
import { RawSocket } from './raw-socket.js';
import { createChannel, eventually, makeWorld, personOf, post, type World } from './world.js';

/**
 * Any history of a channel, followed over sockets that come and go: whoever is sent a frame may see it, whoever may see
 * it is sent it, live or caught up, and nobody misses a revision.
 */

const owner = personOf(1);
const people = [personOf(2), personOf(3), personOf(4)];

type Step =
  | { readonly kind: 'post' | 'pause' }
  | { readonly kind: 'join' | 'leave' | 'remove' | 'disconnect'; readonly person: number }
  | { readonly kind: 'follow'; readonly person: number; readonly from: number };

const person = fc.nat({ max: people.length - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('post' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pause' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('join' as const), person }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('leave' as const, 'remove' as const), person }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('disconnect' as const), person }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('follow' as const), person, from: fc.nat({ max: 30 }) }) },
);

interface Following {
  readonly person: string;
  readonly from: number;
  readonly socket: RawSocket;
}

/** For each revision, whether the person may see it: told without intervals, from who was a member when. */
async function visibility(world: World, feed: string, member: string, history: string): Promise<boolean[]> {
  const events = await world.codec.decode(await world.eventStore.readStream(feed, { limit: 10_000 }));
  const seen: boolean[] = [];
  let isMember = false;
  let wasMember = false;
  for (const { type, data } of events) {
    const about = (data as { personId?: string }).personId === member;
    if (type === 'conversations.MemberJoined' && about) {
      if (!wasMember && history === 'all') seen.fill(true);
      isMember = wasMember = true;
    }
    seen.push(isMember);
    if (/Member(Left|Removed)$/.test(type) && about) isMember = false;
  }
  return seen;
}

async function perform(world: World, port: number, channelId: string, feed: string, steps: readonly Step[]) {
  const followings: Following[] = [];
  const command = (by: string, type: 'JoinChannel' | 'LeaveChannel' | 'RemoveMember', input: object) =>
    // refused where there is nothing to do
    world.commands.as(by, `conversations.${type}`, { channelId, ...input }).catch(() => {});
  for (const each of steps) {
    const who = 'person' in each ? (people[each.person] as string) : owner;
    if (each.kind === 'post') await post(world, owner, channelId, 'hello');
    else if (each.kind === 'pause') await new Promise((resolve) => setTimeout(resolve, 1));
    else if (each.kind === 'join') await command(who, 'JoinChannel', {});
    else if (each.kind === 'leave') await command(who, 'LeaveChannel', {});
    else if (each.kind === 'remove') await command(owner, 'RemoveMember', { personId: who });
    else if (each.kind === 'disconnect') followings.find(({ person: of }) => of === who)?.socket.close();
    else if (each.kind === 'follow') {
      const socket = await RawSocket.as(port, who);
      socket.send({ op: 'subscribe', feed, from: each.from });
      followings.push({ person: who, from: each.from, socket });
    }
  }
  return followings;
}

const histories = ['all', 'since-joined'] as const;
const brokers = [
  { kind: 'a faithful', fates: fc.constant(undefined) },
  { kind: 'a lossy', fates: anyFates },
];
const cases = histories.flatMap((history) => brokers.map((broker) => ({ history, ...broker })));

it.each(cases)('holds in a channel that shows $history, with $kind broker', async ({ history, fates }) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), fates, async (steps, fate) => {
      const broker = new LossyBroker();
      const world = await makeWorld({ transport: 'ws', broker, relay: quickRelay });
      try {
        const edge = await world.startEdge();
        const { id, feed } = await createChannel(world, owner, { history });
        if (fate) broker.fate = fate;
        const followings = await perform(world, edge.port, id, feed, steps);
        broker.heal();
        const { revision: head } = await post(world, owner, id, 'the end');
        for (const { person: who, from, socket } of followings) {
          if (socket.ws.readyState === socket.ws.OPEN) {
            await eventually(
              () =>
                socket.all('unsubscribed').length + socket.all('error').length > 0 ||
                socket.revisions().length > head - from,
            );
          }
          const seen = await visibility(world, feed, who, history);
          const frames = socket.revisions();
          const wanted = frames.map((_, index) => (seen[from + index] ? from + index : -1 - (from + index)));
          expect(frames).toEqual(wanted);
          if (socket.all('unsubscribed').length > 0) expect(socket.messages.at(-1)?.op).toBe('unsubscribed');
        }
      } finally {
        await world.close();
      }
    }),
    { numRuns: 40 },
  );
});
