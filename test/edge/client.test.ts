import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ConnectionEnded,
  type Frame,
  ParleyClient,
  type ParleyClientOptions,
  ProblemError,
} from '../../client/index.js';
import type { Edge } from '../../src/edge/edge.js';
import { transports } from './transports.js';
import { createChannel, eventually, makeWorld, personOf, post, type World } from './world.js';

const [ann, bob] = [personOf(1), personOf(2)];

describe.each(transports)('the client over %s', (transport) => {
  let world: World;
  let edge: Edge;
  const clients: ParleyClient[] = [];

  beforeEach(async () => {
    world = await makeWorld({ transport });
    edge = await world.startEdge();
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await world.close();
  });

  function clientOf(person: string, options: Partial<ParleyClientOptions> = {}): ParleyClient {
    const client = new ParleyClient({
      url: `http://127.0.0.1:${edge.port}`,
      accessToken: person,
      ...options,
    });
    clients.push(client);
    return client;
  }

  it('issues typed commands', async () => {
    const client = clientOf(ann);
    const channel = await client.command('conversations.CreateChannel', { name: 'talk' });
    expect(channel).toMatchObject({ name: 'talk', kind: 'public', revision: 1 });
    const message = await client.command('conversations.PostMessage', { channelId: channel.id, text: 'hello' });
    expect(message).toMatchObject({ text: 'hello', authorId: ann, revision: 2 });
  });

  it('throws the problem with which a command is refused', async () => {
    const refused = clientOf(ann).command('conversations.PostMessage', { channelId: personOf(9), text: '' });
    await expect(refused).rejects.toBeInstanceOf(ProblemError);
    await expect(refused).rejects.toMatchObject({ code: 'invalid-input', problem: { errors: [{ field: 'text' }] } });
  });

  it('hands over each frame once and in order over a restart of the server', async () => {
    const { id, feed } = await createChannel(world, ann);
    const client = clientOf(ann);
    const frames: Frame[] = [];
    client.subscribe(feed, { from: 0, onFrame: (frame) => frames.push(frame) });
    for (let n = 0; n < 20; n += 1) await post(world, ann, id, `before ${n}`);
    await eventually(() => frames.length === 22);
    const { port } = edge;
    await edge.close();
    for (let n = 0; n < 20; n += 1) await post(world, ann, id, `while it was away ${n}`);
    edge = await world.startEdge({ port });
    for (let n = 0; n < 20; n += 1) await post(world, ann, id, `after ${n}`);
    await eventually(() => frames.length >= 62);
    expect(frames.map(({ revision }) => revision)).toEqual(Array.from({ length: 62 }, (_, revision) => revision));
  });

  it('takes of a command what its schema takes, as the compiler knows', async () => {
    const { id } = await createChannel(world, ann);
    // @ts-expect-error: a message has a text
    const refused = clientOf(ann).command('conversations.PostMessage', { channelId: id });
    await expect(refused).rejects.toThrow();
  });

  it('sends a command again after the connection was lost, with one effect', async () => {
    const { id } = await createChannel(world, ann);
    const client = clientOf(ann);
    await client.command('conversations.PostMessage', { channelId: id, text: 'before' });
    const { port } = edge;
    const { executed } = world.commands;
    world.commands.hold();
    const sent = client.command('conversations.PostMessage', { channelId: id, text: 'once' });
    await eventually(() => world.commands.held === 1);
    world.authenticator.end(ann, 'expired');
    await eventually(() => world.commands.held === 2);
    world.commands.release();
    await expect(sent).resolves.toMatchObject({ revision: 3, text: 'once' });
    expect(world.commands.executed).toBe(executed + 1);
    expect(edge.port).toBe(port);
  });

  it('ends where the server says not to come back, and tells everybody', async () => {
    const { feed } = await createChannel(world, ann);
    let ended: unknown;
    const client = clientOf('not a token', { onEnd: (error) => (ended = error) });
    const followed = new Promise((resolve) => client.subscribe(feed, { onFrame: () => {}, onEnd: resolve }));
    await expect(client.command('conversations.CreateChannel', { name: 'talk' })).rejects.toBeInstanceOf(
      ConnectionEnded,
    );
    await expect(followed).resolves.toMatchObject({ code: 3500 });
    expect(ended).toMatchObject({ code: 3500 });
  });

  it('asks for a new access token when the session has expired', async () => {
    const { id, feed } = await createChannel(world, ann);
    const tokens = [`${ann} 300`, ann];
    const client = clientOf(ann, { getAccessToken: () => tokens.shift() ?? ann });
    const texts: unknown[] = [];
    client.subscribe(feed, { onFrame: ({ data }) => texts.push(data.text) });
    await eventually(() => tokens.length === 0);
    await post(world, ann, id, 'still here');
    await eventually(() => texts.includes('still here'));
  });

  it('tells when one may not follow a feed, and when not any longer', async () => {
    const { id, feed } = await createChannel(world, ann, { kind: 'private' });
    const client = clientOf(bob);
    const refused = new Promise((resolve) => client.subscribe(feed, { onFrame: () => {}, onEnd: resolve }));
    await expect(refused).resolves.toMatchObject({ code: 'not-found' });
    await world.commands.as(ann, 'conversations.AddMember', { channelId: id, personId: bob });
    const types: string[] = [];
    const removed = new Promise((resolve) => {
      client.subscribe(feed, {
        onFrame: ({ type }) => types.push(type),
        onEnd: resolve,
        onSubscribed: () => void world.commands.as(ann, 'conversations.RemoveMember', { channelId: id, personId: bob }),
      });
    });
    await expect(removed).resolves.toMatchObject({ code: 'not-found' });
    expect(types).toEqual(['conversations.MemberRemoved']);
  });

  it('begins with a snapshot, once, and resumes behind it', async () => {
    const { id, feed } = await createChannel(world, ann);
    await post(world, ann, id, 'before');
    const client = clientOf(ann);
    const came: (number | string)[] = [];
    client.subscribe(feed, {
      snapshot: true,
      onSnapshot: (_state, revision) => came.push(`snapshot at ${revision}`),
      onFrame: ({ revision }) => came.push(revision),
    });
    await eventually(() => came.length === 1);
    await post(world, ann, id, 'live');
    await eventually(() => came.length === 2);
    world.authenticator.end(ann, 'expired');
    await post(world, ann, id, 'while it was away');
    await eventually(() => came.length === 3);
    expect(came).toEqual(['snapshot at 2', 3, 4]);
  });

  it('begins anew when a feed was left and is followed again', async () => {
    const { id, feed } = await createChannel(world, ann);
    for (let n = 0; n < 5; n += 1) await post(world, ann, id, `${n}`);
    const client = clientOf(ann);
    const first: number[] = [];
    const second: number[] = [];
    await client.command('conversations.PostMessage', { channelId: id, text: 'connected' });
    client.subscribe(feed, { from: 5, onFrame: ({ revision }) => first.push(revision) }).unsubscribe();
    client.subscribe(feed, { from: 0, onFrame: ({ revision }) => second.push(revision) });
    await eventually(() => second.length === 8);
    expect(second).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(first).toEqual([]);
  });
});
