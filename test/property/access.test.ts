import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ParleyClient } from '../../client/index.js';
import { TestPerson } from '../fixtures/api-client.js';
import { startTestParley, type TestParley } from '../fixtures/parley.js';

/**
 * Who may see which revision, as a plain model walks through a channel's events, against what queries, live frames and
 * catching up really gave.
 */

type Step =
  | { readonly do: 'post' | 'add' | 'remove' | 'leave'; readonly who: number }
  | { readonly do: 'follow'; readonly who: number; readonly from: number };

const names = ['Owner', 'Ann', 'Bob'];
const who = fc.integer({ min: 1, max: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('post' as const), who: fc.nat(2) }),
  fc.record({ do: fc.constantFrom('add' as const, 'add' as const, 'remove' as const, 'leave' as const), who }),
  fc.record({ do: fc.constant('follow' as const), who, from: fc.nat(6) }),
);

/** The channel as the rules say it must be, one event after the other. */
class Model {
  revision = 1;
  readonly messages: number[] = [];
  readonly members = new Set([0]);
  /** Revisions that each person may see. */
  readonly seen = names.map(() => new Set<number>());
  readonly #everMember = new Set([0]);

  constructor(private readonly history: string) {
    this.seen[0]?.add(0).add(1);
  }

  happen(change?: { person: number; joins: boolean }): void {
    this.revision += 1;
    if (change?.joins) {
      this.members.add(change.person);
      if (!this.#everMember.has(change.person) && this.history === 'all') this.#seeAllBefore(change.person);
      this.#everMember.add(change.person);
    }
    for (const member of this.members) this.seen[member]?.add(this.revision);
    if (change && !change.joins) this.members.delete(change.person);
  }

  #seeAllBefore(person: number): void {
    for (let revision = 0; revision < this.revision; revision += 1) this.seen[person]?.add(revision);
  }
}

/** What one subscription got: revisions in full, and bare ones. */
interface Followed {
  readonly who: number;
  readonly from: number;
  readonly full: number[];
  readonly all: number[];
  ended: boolean;
}

let parley: TestParley;
let people: TestPerson[];
let clients: ParleyClient[];

beforeAll(async () => {
  parley = await startTestParley();
  people = await Promise.all(names.map((name) => TestPerson.register(parley.url, name)));
});

afterAll(() => parley.close());

it('nobody is shown what is not theirs, and everybody all that is', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('all', 'since-joined'),
      fc.array(step, { minLength: 15, maxLength: 40 }),
      async (history, steps) => {
        clients = [];
        try {
          await run(history, steps);
        } finally {
          for (const client of clients) client.close();
        }
      },
    ),
    { numRuns: 25 },
  );
}, 120_000);

async function run(history: string, steps: readonly Step[]): Promise<void> {
  const owner = people[0] as TestPerson;
  const { id } = (await owner.post('channels', { name: 'model', kind: 'private', history })).body;
  const model = new Model(history);
  const followed: Followed[] = [];
  for (const each of steps) {
    if (each.do === 'follow') followed.push(follow(each.who, each.from, `channel-${id}`));
    else await act(each, id, model);
  }
  for (const [index, person] of people.entries()) await checkQueries(index, person, id, model);
  await eventually(() => followed.every((subscription) => isComplete(subscription, model)));
  for (const { who: index, full, all, from } of followed) {
    expect(all).toEqual(all.map((_, offset) => from + offset));
    expect(full).toEqual(all.filter((revision) => model.seen[index]?.has(revision)));
  }
}

async function act(each: Exclude<Step, { do: 'follow' }>, id: string, model: Model): Promise<void> {
  const person = people[each.who] as TestPerson;
  const owner = people[0] as TestPerson;
  const isMember = model.members.has(each.who);
  if (each.do === 'post') {
    const { status } = await person.post(`channels/${id}/messages`, { text: 'hello' });
    expect(status).toBe(isMember ? 201 : 404);
    if (!isMember) return;
    model.happen();
    model.messages.push(model.revision);
  } else if (each.do === 'add') {
    await owner.post(`channels/${id}/members`, { personId: person.id });
    if (!isMember) model.happen({ person: each.who, joins: true });
  } else {
    const path = `channels/${id}`;
    if (each.do === 'remove') await owner.delete(`${path}/members/${person.id}`);
    else await person.post(`${path}/leave`);
    if (isMember) model.happen({ person: each.who, joins: false });
  }
}

function follow(index: number, from: number, feed: string): Followed {
  const client = new ParleyClient({ url: parley.url, accessToken: (people[index] as TestPerson).token });
  clients.push(client);
  const followed: Followed = { who: index, from, full: [], all: [], ended: false };
  client.subscribe(feed, {
    from,
    onFrame: ({ revision }) => {
      followed.full.push(revision);
      followed.all.push(revision);
    },
    onBareFrame: ({ revision }) => followed.all.push(revision),
    onEnd: () => {
      followed.ended = true;
    },
  });
  return followed;
}

/** Ended by a removal or refused from the first; or up to date. */
function isComplete({ ended, all, from }: Followed, { revision }: Model): boolean {
  return ended || all.at(-1) === revision || from > revision;
}

async function checkQueries(index: number, person: TestPerson, id: string, model: Model): Promise<void> {
  const position = (await (people[0] as TestPerson).post(`channels/${id}/join`)).body.position;
  const headers = { 'parley-position': position };
  const { status, body } = await person.get(`channels/${id}/messages?limit=100`, headers);
  expect(status).toBe(model.members.has(index) ? 200 : 404);
  if (status !== 200) return;
  const revisions = (body.items as { revision: number }[]).map(({ revision }) => revision);
  expect(revisions.reverse()).toEqual(model.messages.filter((revision) => model.seen[index]?.has(revision)));
}

async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(5);
}
