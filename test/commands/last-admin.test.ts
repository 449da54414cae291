import { expect, it } from 'vitest';
import { type Actor, systemActor } from '../../domain/decider.js';
import { AdminGained } from '../../domain/identity/platform-security.js';
import type { Pipeline } from '../../src/commands/pipeline.js';
import type { CommandRequest } from '../../src/commands/port.js';
import { World } from './world.js';

/** An admin without an address and a password, as far as is needed here. */
async function makeAdmin(pipeline: Pipeline, name: string): Promise<Actor> {
  const input = { email: null, name, passwordHash: null, usernames: [{ username: name, reservation: name }] };
  const { id } = await pipeline.execute({
    type: 'identity.RegisterAccount',
    actor: systemActor,
    input: { ...input, role: 'admin' },
  });
  return { id, role: 'admin' };
}

const forgetting = { emailReservation: null, emailRevision: 0, usernameReservation: null, usernameRevision: 0 };
const proved = { passwordRevision: 0 };

/** Ways in which an admin, the actor, may take an admin away: another one, or themselves. */
const ways: Readonly<Record<string, (actor: Actor, another: Actor) => CommandRequest>> = {
  'demote each other': (actor, { id: personId }) => ({
    type: 'identity.AssignRole',
    actor,
    input: { personId, role: 'member' },
  }),
  'shut each other out': (actor, { id: personId }) => ({
    type: 'identity.DeactivateAccount',
    actor,
    input: { personId },
  }),
  'forget each other': (actor, { id: personId }) => ({
    type: 'identity.ForgetPerson',
    actor,
    input: { personId, ...forgetting },
  }),
  'shut their own accounts': (actor) => ({
    type: 'identity.DeactivateAccount',
    actor,
    input: { personId: actor.id },
  }),
  'have themselves forgotten': (actor) => ({
    type: 'identity.ForgetPerson',
    actor,
    input: { personId: actor.id, ...forgetting, ...proved },
  }),
};

it.each(Object.entries(ways))('of two admins who %s at the same time, one is left', async (_what, requestOf) => {
  const world = await World.open();
  const processes = [await world.process(), await world.process()] as const;
  const ann = await makeAdmin(processes[0], 'ann');
  const bob = await makeAdmin(processes[1], 'bob');
  const outcomes = await Promise.allSettled([
    processes[0].execute(requestOf(ann, bob)),
    processes[1].execute(requestOf(bob, ann)),
  ]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'last-admin' } });
  const types = await world.typesIn('platform-security');
  expect(types.filter((type) => AdminGained.type.endsWith(type))).toHaveLength(2);
  expect(types.filter((type) => type === 'AdminLost')).toHaveLength(1);
});
