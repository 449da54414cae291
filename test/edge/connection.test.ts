import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CommandLimits } from '../../src/commands/command-limits.js';
import { closeCodes, isTerminal } from '../../src/edge/close-codes.js';
import type { Edge } from '../../src/edge/edge.js';
import { RawSocket } from './raw-socket.js';
import { transports } from './transports.js';
import { createChannel, eventually, makeWorld, personOf, type World } from './world.js';

const [ann, bob] = [personOf(1), personOf(2)];

describe.each(transports)('a connection over %s', (transport) => {
  let world: World;
  let edge: Edge;

  beforeEach(async () => {
    world = await makeWorld({ transport });
    edge = await world.startEdge();
  });

  afterEach(() => world.close());

  describe('is opened', () => {
    it.each(['/api/v1/socket', '/api/socket'])('at %s', async (path) => {
      await RawSocket.open(edge.port, { path });
    });

    it.each(['/', '/api/v1/socket/', '/api/v1/sockets', '/socket', '/api/v2/socket'])('not at %s', async (path) => {
      await expect(RawSocket.open(edge.port, { path })).rejects.toThrow('404');
    });

    it('by a page of an allowed origin, or by what is no page', async () => {
      await RawSocket.open(edge.port, { headers: { origin: 'https://app.example' } });
      await RawSocket.open(edge.port);
    });

    it.each([
      'https://evil.example',
      'https://app.example.evil.example',
      'https://evil-app.example',
      'https://app.example:8443',
      'http://app.example',
      'https://app.example/',
      'https://app.example https://evil.example',
      'https://APP.example',
      'null',
    ])('not by a page of %s', async (origin) => {
      await expect(RawSocket.open(edge.port, { headers: { origin } })).rejects.toThrow('403');
    });

    it('is live for who asks, and answers nothing else', async () => {
      const live = await fetch(`http://127.0.0.1:${edge.port}/health/live`);
      expect([live.status, await live.json()]).toEqual([200, { status: 'ok' }]);
      expect((await fetch(`http://127.0.0.1:${edge.port}/anything`)).status).toBe(404);
      expect((await fetch(`http://127.0.0.1:${edge.port}/health/live`, { method: 'POST' })).status).toBe(404);
    });

    it('not beyond the number of sockets that wait to authenticate', async () => {
      const strict = await world.startEdge({ limits: { unauthenticatedSockets: 2 } });
      await RawSocket.open(strict.port);
      await RawSocket.as(strict.port, ann);
      await RawSocket.open(strict.port);
      const third = await RawSocket.open(strict.port);
      await expect(third.closed).resolves.toMatchObject({ code: 3005 });
    });

    it('not beyond the number of sockets of one person', async () => {
      const strict = await world.startEdge({ limits: { socketsPerPerson: 2 } });
      const first = await RawSocket.as(strict.port, ann);
      await RawSocket.as(strict.port, ann);
      const third = await RawSocket.open(strict.port, { headers: { authorization: `Bearer ${ann}` } });
      await expect(third.closed).resolves.toMatchObject({ code: 3520 });
      await RawSocket.as(strict.port, bob);
      first.close();
      await eventually(() => strict.stats().authenticatedSockets === 2);
      await RawSocket.as(strict.port, ann);
    });
  });

  describe('authenticates', () => {
    it('by the first message', async () => {
      const socket = await RawSocket.open(edge.port);
      socket.send({ op: 'authenticate', token: ann });
      expect(await socket.next('authenticated')).toEqual({
        op: 'authenticated',
        personId: ann,
        expiresAt: expect.stringMatching(/^\d{4}-.*Z$/),
      });
    });

    it('by header, and takes what is sent meanwhile in order', async () => {
      const socket = await RawSocket.open(edge.port, { headers: { authorization: `Bearer ${ann}` } });
      const { feed } = await createChannel(world, ann);
      socket.send({ op: 'ping' });
      socket.send({ op: 'subscribe', feed });
      await socket.next('subscribed');
      expect(socket.messages.map(({ op }) => op)).toEqual(['authenticated', 'pong', 'subscribed']);
    });

    it('not with a token in the URL', async () => {
      const socket = await RawSocket.open(edge.port, { path: `/api/v1/socket?access_token=${ann}` });
      socket.send({ op: 'ping' });
      await expect(socket.closed).resolves.toMatchObject({ code: 3502 });
    });

    it('not with a token that is not ours', async () => {
      const socket = await RawSocket.open(edge.port);
      socket.send({ op: 'authenticate', token: 'nonsense' });
      await expect(socket.closed).resolves.toEqual({ code: 3500, reason: 'the access token is not valid' });
    });

    it('not after a while', async () => {
      const strict = await world.startEdge({ limits: { authenticationMs: 100 } });
      const socket = await RawSocket.open(strict.port);
      await expect(socket.closed).resolves.toMatchObject({ code: 3501 });
    });

    it('once', async () => {
      const socket = await RawSocket.as(edge.port, ann);
      socket.send({ op: 'authenticate', token: bob });
      expect(await socket.next('error')).toMatchObject({ problem: { code: 'bad-request' } });
    });
  });

  describe('is closed for good', () => {
    it.each([
      ['no JSON', 'hello', 3510],
      ['an empty message', '', 3510],
      ['no object', '[1]', 3512],
      ['null', 'null', 3512],
      ['no op', '{}', 3512],
      ['an unknown op', '{"op":"shout"}', 3512],
      ['an op that every object has', '{"op":"constructor"}', 3512],
      ['an op that is no text', '{"op":["ping"]}', 3512],
      ['a message over 64 KiB', JSON.stringify({ op: 'ping', padding: 'x'.repeat(65_536) }), 3513],
    ])('upon %s', async (_what, text, code) => {
      const socket = await RawSocket.as(edge.port, ann);
      socket.send(text);
      const closed = await socket.closed;
      expect(closed.code).toBe(code);
      expect(closed.reason).not.toBe('');
    });

    it('upon a binary message', async () => {
      const socket = await RawSocket.as(edge.port, ann);
      socket.ws.send(Buffer.from('{"op":"ping"}'));
      await expect(socket.closed).resolves.toMatchObject({ code: 3511 });
    });

    it('upon a message that the transport does not take either', async () => {
      const socket = await RawSocket.as(edge.port, ann);
      socket.send('x'.repeat(200_000));
      const { code } = await socket.closed;
      expect([1006, 1009]).toContain(code);
    });

    it('upon text that is not UTF-8', async () => {
      const socket = await RawSocket.as(edge.port, ann);
      socket.ws.send(Buffer.from([0x22, 0xff, 0xfe, 0x22]), { binary: false });
      const { code } = await socket.closed;
      expect([1006, 1007]).toContain(code);
    });

    it('upon a flood of messages', async () => {
      const socket = await RawSocket.as(edge.port, ann);
      for (let n = 0; n < 1_000; n += 1) socket.send({ op: 'ping' });
      await expect(socket.closed).resolves.toMatchObject({ code: 3514 });
    });
  });

  describe('does not mind the clock', () => {
    const set = (ms: number) => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });
    afterEach(() => void vi.useRealTimers());

    it('being set back while it is to authenticate', async () => {
      const strict = await world.startEdge({ limits: { authenticationMs: 100 } });
      const socket = await RawSocket.open(strict.port);
      set(-3_600_000);
      await expect(socket.closed).resolves.toMatchObject({ code: closeCodes['authentication-late'].code });
    });

    it('being set forward while it lasts', async () => {
      const strict = await world.startEdge({ limits: { lifetimeMs: 60_000, authenticationMs: 100 } });
      const late = await RawSocket.open(strict.port);
      const socket = await RawSocket.as(strict.port, ann);
      let isOpen = true;
      void socket.closed.then(() => {
        isOpen = false;
      });
      set(24 * 3_600_000);
      // The deadlines of all are looked at together.
      await late.closed;
      expect(isOpen).toBe(true);
    });
  });

  describe('is closed with a word to come back', () => {
    it('when the session expires', async () => {
      const socket = await RawSocket.as(edge.port, `${ann} 100`);
      await expect(socket.closed).resolves.toMatchObject({ code: 3001 });
    });

    it('when it has lasted long enough', async () => {
      const strict = await world.startEdge({ limits: { lifetimeMs: 100 } });
      const socket = await RawSocket.as(strict.port, ann);
      await expect(socket.closed).resolves.toMatchObject({ code: 3004 });
    });

    it('when nothing comes from it any more, not even an answer to a ping', async () => {
      // No less than uWebSockets.js can wait.
      const strict = await world.startEdge({ limits: { idleMs: 8_000 } });
      const dead = await RawSocket.open(strict.port, { answersPings: false });
      const quiet = await RawSocket.open(strict.port);
      for (const socket of [dead, quiet]) {
        socket.send({ op: 'authenticate', token: ann });
        await socket.next('authenticated');
      }
      // Without a closing handshake: nobody is there for one.
      expect(isTerminal((await dead.closed).code)).toBe(false);
      quiet.send({ op: 'ping' });
      await quiet.next('pong');
    });

    it('when the edge closes, which answers what was begun', async () => {
      const { id } = await createChannel(world, ann);
      const socket = await RawSocket.as(edge.port, ann);
      world.commands.hold();
      socket.send({
        op: 'command',
        id: '1',
        type: 'conversations.PostMessage',
        input: { channelId: id, text: 'hello' },
      });
      await eventually(() => world.commands.held === 1);
      const closing = edge.close();
      socket.send({
        op: 'command',
        id: '2',
        type: 'conversations.PostMessage',
        input: { channelId: id, text: 'late' },
      });
      expect(await socket.next('error')).toMatchObject({ id: '2', problem: { code: 'shutting-down' } });
      world.commands.release();
      await closing;
      await expect(socket.closed).resolves.toEqual({
        code: 3000,
        reason: 'the server is about to stop: connect again',
      });
      expect(socket.all('reply')).toHaveLength(1);
    });
  });

  it('ends for all sockets of a person whose account is deactivated', async () => {
    const [first, second, other] = [
      await RawSocket.as(edge.port, ann),
      await RawSocket.as(edge.port, ann),
      await RawSocket.as(edge.port, bob),
    ];
    world.authenticator.end(ann, 'deactivated');
    await expect(first.closed).resolves.toEqual({ code: 3531, reason: 'banned' });
    await expect(second.closed).resolves.toMatchObject({ code: 3531 });
    other.send({ op: 'ping' });
    await other.next('pong');
    expect(edge.stats()).toMatchObject({ sockets: 1, persons: 1, closes: { banned: 2 } });
  });

  it('ends with its session, and another one may be begun', async () => {
    const socket = await RawSocket.as(edge.port, ann);
    world.authenticator.end(ann, 'ended');
    await expect(socket.closed).resolves.toEqual({ code: 3530, reason: 'logged out' });
    await RawSocket.as(edge.port, ann);
  });

  describe('answers with a problem', () => {
    const post = { op: 'command', id: 'x', type: 'conversations.PostMessage' };

    it.each([
      ['a subscription without a feed', { op: 'subscribe' }, 'invalid-input'],
      ['an unknown field', { op: 'ping', loud: true }, 'invalid-input'],
      ['a feed that is no name', { op: 'subscribe', feed: 'channel-../..' }, 'invalid-input'],
      ['a revision below 0', { op: 'subscribe', feed: `channel-${ann}`, from: -1 }, 'invalid-input'],
      ['a revision that is no whole number', { op: 'subscribe', feed: `channel-${ann}`, from: 0.5 }, 'invalid-input'],
      [
        'a revision and a snapshot',
        { op: 'subscribe', feed: `channel-${ann}`, from: 1, snapshot: true },
        'invalid-input',
      ],
      ['an unknown command', { ...post, type: 'conversations.Shout', input: {} }, 'unknown-command'],
      ['a command named like a method', { ...post, type: 'constructor', input: {} }, 'unknown-command'],
      ['a command of the system', { ...post, type: 'identity.IntroducePerson', input: {} }, 'unknown-command'],
      ['an input that does not fit', { ...post, input: { channelId: ann } }, 'invalid-input'],
      ['a channel that is not there', { ...post, input: { channelId: ann, text: 'hello' } }, 'not-found'],
    ])('%s', async (_what, message, code) => {
      const socket = await RawSocket.as(edge.port, ann);
      socket.send(message);
      const { problem, id } = await socket.next('error');
      expect(problem).toMatchObject({ code });
      if (message.op === 'command') expect(id).toBe('x');
      socket.send({ op: 'ping' });
      await socket.next('pong');
    });

    it('a revision that the feed has not come to', async () => {
      const { feed } = await createChannel(world, ann);
      const socket = await RawSocket.as(edge.port, ann);
      socket.send({ op: 'subscribe', feed, from: 3 });
      expect(await socket.next('error')).toMatchObject({ feed, problem: { code: 'bad-request' } });
      socket.send({ op: 'subscribe', feed, from: 2 });
      expect(await socket.next('subscribed')).toMatchObject({ revision: 1 });
    });

    it('too many commands at once', async () => {
      const { id } = await createChannel(world, ann);
      const strict = await world.startEdge({ limits: { commandsInFlight: 3 } });
      const socket = await RawSocket.as(strict.port, ann);
      world.commands.hold();
      for (let n = 0; n < 5; n += 1) {
        socket.send({ ...post, id: String(n), input: { channelId: id, text: 'hello' } });
      }
      await socket.next('error', 2);
      world.commands.release();
      await socket.next('reply', 3);
      expect(socket.all('error')).toMatchObject([
        { id: '3', problem: { code: 'rate-limited' } },
        { id: '4', problem: { code: 'rate-limited' } },
      ]);
    });

    it('more commands of its person than are allowed, over all of their connections', async () => {
      const { id } = await createChannel(world, ann);
      const commandLimits = new CommandLimits({ posting: 2, creating: 1, administering: 1 });
      const strict = await world.startEdge({ commandLimits });
      const [socket, other] = [await RawSocket.as(strict.port, ann), await RawSocket.as(strict.port, ann)];
      const message = { ...post, input: { channelId: id, text: 'hello' } };
      for (let n = 0; n < 2; n += 1) socket.send({ ...message, id: String(n) });
      await socket.next('reply', 2);
      other.send({ ...message, id: '2' });
      expect(await other.next('error')).toMatchObject({
        id: '2',
        problem: { code: 'rate-limited', retryAfter: expect.any(Number) },
      });
    });

    it('a feed that is followed already, and too many feeds', async () => {
      const strict = await world.startEdge({ limits: { subscriptionsPerSocket: 2 } });
      const socket = await RawSocket.as(strict.port, ann);
      const feeds = [];
      for (let n = 0; n < 3; n += 1) feeds.push((await createChannel(world, ann)).feed);
      const [first, second, third] = feeds;
      for (const feed of [first, first, second, third]) socket.send({ op: 'subscribe', feed });
      await socket.next('subscribed', 2);
      await socket.next('error', 2);
      expect(socket.all('error')).toMatchObject([
        { feed: first, problem: { code: 'bad-request' } },
        { feed: third, problem: { code: 'bad-request' } },
      ]);
    });
  });
});
