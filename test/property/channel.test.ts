import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  evolveFeedAccess,
  evolveMembership,
  type FeedAccess,
  isMember,
  type Membership,
  maySee,
} from '../../domain/access.js';
import { commands, events as definitions } from '../../domain/catalogue.js';
import { type ChannelState, channel } from '../../domain/conversations/channel.js';
import type { AnyCommandDefinition } from '../../domain/decider.js';
import type { RecordedEvent } from '../../domain/event.js';
import { publicFrame } from '../../domain/frame.js';
import { Simulation, type Step } from './simulation.js';

const channelId = '01900000-0000-7000-8000-0000000000ff';
const stream = `channel-${channelId}`;
const people = [1, 2, 3, 4].map((digit) => `0190000${digit}-0000-7000-8000-000000000000`);

const person = fc.constantFrom(...people);
const inputs: Record<string, fc.Arbitrary<object>> = {
  JoinChannel: fc.constant({}),
  LeaveChannel: fc.constant({}),
  AddMember: fc.record({ personId: person }),
  RemoveMember: fc.record({ personId: person }),
  PostMessage: fc.record({ text: fc.constantFrom('hello', 'so long') }),
  DeleteMessage: fc.record({ messageRevision: fc.nat(30) }),
  AdmitSpeaker: fc.record({ personId: person, how: fc.constant('implied') }),
  RetireName: fc.record({ personId: person }),
};

const step: fc.Arbitrary<Step> = fc
  .constantFrom(...Object.keys(inputs))
  .chain((name) => fc.record({ name: fc.constant(name), input: inputs[name] as fc.Arbitrary<object>, actor: person }))
  .map(({ name, input, actor }) => ({
    definition: commands.get(`conversations.${name}`) as AnyCommandDefinition,
    input: { channelId, ...input },
    actor: { id: actor },
    now: Date.parse('2030-01-01T00:00:00Z'),
    newId: channelId,
  }));

function create(kind: string, history: string): Step {
  return {
    definition: commands.get('conversations.CreateChannel') as AnyCommandDefinition,
    input: { name: 'general', kind, history },
    actor: { id: people[0] as string },
    now: Date.parse('2030-01-01T00:00:00Z'),
    newId: channelId,
  };
}

function simulate(kind: string, history: string, steps: readonly Step[]): Simulation {
  const simulation = new Simulation();
  simulation.run(create(kind, history));
  for (const each of steps) simulation.run(each);
  return simulation;
}

const run = fc.record({
  kind: fc.constantFrom('public', 'private'),
  history: fc.constantFrom('all', 'since-joined'),
  steps: fc.array(step, { maxLength: 40 }),
});

it('members, and they alone, post; authors and owners, and they alone, delete', () => {
  fc.assert(
    fc.property(run, ({ kind, history, steps }) => {
      const members = new Map<string, string>();
      const authors = new Map<number, string>();
      for (const event of simulate(kind, history, steps).events(stream)) {
        const data = event.data as Record<string, string>;
        if (event.type === 'conversations.MemberJoined') members.set(data.personId as string, data.role as string);
        if (/MemberLeft|MemberRemoved/.test(event.type)) members.delete(data.personId as string);
        if (event.type === 'conversations.MessagePosted') {
          expect(members.has(data.authorId as string)).toBe(true);
          expect(event.metadata.actor).toBe(data.authorId);
          authors.set(event.revision, data.authorId as string);
        }
        if (event.type === 'conversations.MessageDeleted') {
          const target = Number(data.messageRevision);
          const { actor } = event.metadata;
          expect(authors.has(target)).toBe(true);
          expect(authors.get(target) === actor || members.get(actor) === 'owner').toBe(true);
          authors.delete(target);
        }
      }
    }),
  );
});

it('the state says the same as the access fold, and as itself through a snapshot', () => {
  fc.assert(
    fc.property(run, ({ kind, history, steps }) => {
      const simulation = simulate(kind, history, steps);
      const state = simulation.state<ChannelState>(stream);
      const { memberships } = foldAccess(simulation.events(stream));
      const members = people.filter((id) => isMember(memberships.get(id)));
      expect([...state.members.keys()].sort()).toEqual(members.sort());
      for (const id of members) expect(memberships.get(id)?.role).toBe(state.members.get(id));
      const snapshot = JSON.parse(JSON.stringify(channel.toSnapshot(state))) as never;
      expect(channel.fromSnapshot(snapshot)).toEqual(state);
    }),
  );
});

it('a revision is seen by who was a member then, or joined later where members read all', () => {
  fc.assert(
    fc.property(run, ({ kind, history, steps }) => {
      const events = simulate(kind, history, steps).events(stream);
      const { access, memberships } = foldAccess(events);
      for (const id of people) {
        const seen = revisionsSeenByHand(events, id, history);
        for (const { revision } of events) {
          expect(maySee(access, memberships.get(id), revision)).toBe(seen.has(revision));
        }
      }
    }),
  );
});

it('every event has a frame that JSON can hold', () => {
  fc.assert(
    fc.property(run, ({ kind, history, steps }) => {
      for (const event of simulate(kind, history, steps).events(stream)) {
        const frame = publicFrame(event);
        expect(JSON.parse(JSON.stringify(frame))).toEqual(frame);
      }
    }),
  );
});

function foldAccess(events: readonly RecordedEvent[]) {
  let access: FeedAccess | undefined;
  const memberships = new Map<string, Membership>();
  for (const event of events) {
    const changes = definitions.get(event.type)?.access(event) ?? [];
    access = evolveFeedAccess(access, event.revision, changes);
    for (const change of changes) {
      if (change.kind === 'visibility') continue;
      memberships.set(change.person, evolveMembership(memberships.get(change.person), event.revision, change));
    }
  }
  return { access: access as FeedAccess, memberships };
}

/** The rule, walked through event by event instead of kept as intervals. */
function revisionsSeenByHand(events: readonly RecordedEvent[], id: string, history: string): Set<number> {
  const seen = new Set<number>();
  let inside = false;
  let everInside = false;
  for (const event of events) {
    const { personId } = event.data as { personId?: string };
    if (event.type === 'conversations.MemberJoined' && personId === id) {
      if (!everInside && history === 'all') for (let before = 0; before < event.revision; before += 1) seen.add(before);
      inside = true;
      everInside = true;
    }
    if (inside) seen.add(event.revision);
    if (/MemberLeft|MemberRemoved/.test(event.type) && personId === id) inside = false;
  }
  return seen;
}
