import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { closeCodes } from '../../src/edge/close-codes.js';
import { ended } from '../cli/parley.js';
import { RawSocket } from '../edge/raw-socket.js';
import { call, TestPerson } from '../fixtures/api-client.js';
import { startTestParley, type TestParley } from '../fixtures/parley.js';
import { ServerProcess } from '../fixtures/server-process.js';

const program = fileURLToPath(new URL('../../dist/src/cli/parley.js', import.meta.url));
const root = { email: 'root@example.org', password: 'correct horse' };
const settings = {
  PARLEY_ADMIN_EMAIL: root.email,
  PARLEY_ADMIN_PASSWORD: root.password,
  PARLEY_TRUSTED_PROXY_HOPS: '1',
};

/** One process that the sockets' owner talks to, and another one beside it that knows of it by the log alone. */
let parley: TestParley;
let beside: ServerProcess;
let admin: string;
beforeAll(async () => {
  parley = await startTestParley(settings);
  beside = await ServerProcess.of(parley.dataDirectory, { ...settings, PARLEY_ROLES: 'api,edge' });
  await beside.start();
  admin = (await logIn(root)).body.accessToken;
});
afterAll(async () => {
  await beside?.end('SIGKILL');
  await parley?.close();
});
afterEach(() => void vi.useRealTimers());

const logIn = (body: object) => call(parley.url, 'POST', 'auth/login', { body });
const portOf = (url: string) => Number(new URL(url).port);

/** A socket through each of the two processes. */
function socketsOf(token: string): Promise<[RawSocket, RawSocket]> {
  return Promise.all([RawSocket.as(portOf(parley.url), token), RawSocket.as(portOf(beside.url), token)]);
}

async function newcomer() {
  const ann = await TestPerson.register(parley.url, 'Ann');
  const { email, password } = ann;
  const other = (await logIn({ email, password })).body.accessToken as string;
  return { ann, other, sockets: await socketsOf(ann.token), otherSockets: await socketsOf(other) };
}

const codesOf = async (sockets: readonly RawSocket[]) =>
  (await Promise.all(sockets.map(({ closed }) => closed))).map(({ code }) => code);
const patience = { timeout: 60_000, interval: 50 };
const loggedOut = Array(2).fill(closeCodes['logged-out'].code);

/** Whether the sockets are still of use. */
async function answers(sockets: readonly RawSocket[]): Promise<void> {
  for (const socket of sockets) {
    socket.send({ op: 'ping' });
    await socket.next('pong');
  }
}

describe('in every process, sockets are closed', () => {
  it('with their session, and those of other sessions are not', async () => {
    const { ann, sockets, otherSockets } = await newcomer();
    expect((await ann.post('auth/logout')).status).toBe(204);
    expect(await codesOf(sockets)).toEqual(loggedOut);
    await answers(otherSockets);
  });

  it('when their session is ended from another', async () => {
    const { ann, other, sockets, otherSockets } = await newcomer();
    const { items } = (await ann.get('auth/sessions')).body;
    const { id } = items.find(({ current }: { current: boolean }) => current);
    const { status } = await call(parley.url, 'DELETE', `auth/sessions/${id}`, { token: other });
    expect(status).toBe(204);
    expect(await codesOf(sockets)).toEqual(loggedOut);
    await answers(otherSockets);
  });

  it('when all sessions of their person end', async () => {
    const { ann, sockets, otherSockets } = await newcomer();
    expect((await ann.post('auth/logout-all')).status).toBe(204);
    expect(await codesOf([...sockets, ...otherSockets])).toEqual([...loggedOut, ...loggedOut]);
  });

  it('when the password is changed in another session', async () => {
    const { ann, sockets, otherSockets } = await newcomer();
    const change = { currentPassword: ann.password, newPassword: 'battery staple' };
    expect((await ann.post('auth/change-password', change)).status).toBe(204);
    expect(await codesOf(otherSockets)).toEqual(loggedOut);
    await answers(sockets);
  });

  it('when their person is shut out', async () => {
    const { ann, sockets } = await newcomer();
    expect((await call(parley.url, 'POST', `users/${ann.id}/deactivate`, { token: admin })).status).toBe(200);
    expect(await codesOf(sockets)).toEqual(Array(2).fill(closeCodes.banned.code));
  });

  it('when a new rule denies their address, also those that an api forwards', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const from = async (url: string, address: string) => {
      const socket = await RawSocket.open(portOf(url), { headers: { 'x-forwarded-for': address } });
      socket.send({ op: 'authenticate', token: ann.token });
      await socket.next('authenticated');
      return socket;
    };
    const urls = [parley.url, parley.edgeUrl, beside.url, beside.socketUrl];
    const denied = await Promise.all(urls.map((url) => from(url, '203.0.113.7')));
    const others = await Promise.all(urls.map((url) => from(url, '198.51.100.7')));
    const body = { cidr: '203.0.113.0/24', action: 'deny' };
    const made = await call(parley.url, 'POST', 'address-rules', { token: admin, body });
    expect(made.status).toBe(201);
    expect(await codesOf(denied)).toEqual(urls.map(() => closeCodes['address-refused'].code));
    await answers(others);
    await call(parley.url, 'DELETE', `address-rules/${made.body.id}`, { token: admin });
  });

  it('when a refresh token that was used comes again', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const { email, password } = ann;
    const { accessToken, refreshToken } = (await logIn({ email, password })).body;
    const sockets = await socketsOf(accessToken);
    const refresh = (token: string) => call(parley.url, 'POST', 'auth/refresh', { body: { refreshToken: token } });
    const second = (await refresh(refreshToken)).body.refreshToken;
    await refresh(second);
    expect((await refresh(refreshToken)).status).toBe(401);
    expect(await codesOf(sockets)).toEqual(loggedOut);
  });
});

describe('in every process, a socket', () => {
  it('has the role on the platform that its person has now', async () => {
    const [ann, mo] = [await TestPerson.register(parley.url, 'Ann'), await TestPerson.register(parley.url, 'Mo')];
    const { id: channelId } = (await ann.post('channels', { name: 'General' })).body;
    const { revision: messageRevision } = (await ann.post(`channels/${channelId}/messages`, { text: 'spam' })).body;
    const sockets = await socketsOf(mo.token);
    let asked = 0;
    /** What comes of it that Mo takes Ann's message away, which can be asked for again and again. */
    const take = async (socket: RawSocket) => {
      asked += 1;
      const id = String(asked);
      socket.send({ op: 'command', id, type: 'conversations.DeleteMessage', input: { channelId, messageRevision } });
      const answered = () => [...socket.all('reply'), ...socket.all('error')].find((message) => message.id === id);
      await socket.until(() => answered() !== undefined);
      return (answered() as { problem?: { code: string } }).problem?.code ?? 'done';
    };
    const assign = async (role: string) => {
      const assigned = await call(parley.url, 'PUT', `users/${mo.id}/role`, { token: admin, body: { role } });
      expect(assigned.status).toBe(200);
    };
    const outcome = (expected: string) =>
      Promise.all(sockets.map((socket) => vi.waitFor(async () => expect(await take(socket)).toBe(expected), patience)));
    await outcome('not-a-member');
    await assign('moderator');
    await outcome('done');
    await assign('member');
    await outcome('not-a-member');
  });
});

describe('a socket', () => {
  it('outlives the access token that it was opened with', async () => {
    const alone = await startTestParley();
    try {
      const ann = await TestPerson.register(alone.url, 'Ann');
      const socket = await RawSocket.as(portOf(alone.url), ann.token);
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61 * 60_000 });
      expect(await ann.get('auth/me')).toMatchObject({ status: 401 });
      const late = await RawSocket.open(portOf(alone.url));
      late.send({ op: 'authenticate', token: ann.token });
      expect((await late.closed).code).toBe(closeCodes.unauthenticated.code);
      await answers([socket]);
    } finally {
      await alone.close();
    }
  });
});

describe('a ticket', () => {
  const ticketOf = async ({ token }: { token: string }) =>
    (await call(parley.url, 'POST', 'auth/ws-ticket', { token })).body.ticket as string;

  async function present(ticket: string, url = parley.url): Promise<RawSocket> {
    const socket = await RawSocket.open(portOf(url));
    socket.send({ op: 'authenticate', ticket });
    return socket;
  }

  const unauthenticated = closeCodes.unauthenticated.code;

  it('opens one socket, in whichever process', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const [first, second] = [await ticketOf(ann), await ticketOf(ann)];
    expect(await (await present(first)).next('authenticated')).toMatchObject({ personId: ann.id });
    expect(await (await present(second, beside.url)).next('authenticated')).toMatchObject({ personId: ann.id });
    for (const ticket of [first, second]) {
      for (const url of [parley.url, beside.url]) {
        expect((await (await present(ticket, url)).closed).code).toBe(unauthenticated);
      }
    }
  });

  it('has one winner when it is presented five times at once', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const ticket = await ticketOf(ann);
    const sockets = await Promise.all(Array.from({ length: 5 }, () => present(ticket)));
    const outcomes = await Promise.all(
      sockets.map((socket) =>
        socket.next('authenticated').then(
          () => 'let in',
          async () => (await socket.closed).code,
        ),
      ),
    );
    expect(outcomes.sort()).toEqual([...Array(4).fill(unauthenticated), 'let in']);
  });

  it('is of its session: it ends with it, and so do its sockets', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const [used, kept] = [await ticketOf(ann), await ticketOf(ann)];
    const socket = await present(used);
    await socket.next('authenticated');
    expect((await ann.post('auth/logout')).status).toBe(204);
    expect((await socket.closed).code).toBe(closeCodes['logged-out'].code);
    expect((await (await present(kept)).closed).code).toBe(unauthenticated);
  });

  it('is good for half a minute', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const ticket = await ticketOf(ann);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31_000 });
    expect((await (await present(ticket)).closed).code).toBe(unauthenticated);
  });

  it('is no other token, and no other token is one', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const { email, password } = ann;
    const { body, headers } = await logIn({ email, password });
    const cookie = String(headers.getSetCookie()[0]).split(';')[0]?.split('=')[1] as string;
    for (const token of [body.accessToken, body.refreshToken, cookie, 'nonsense']) {
      expect((await (await present(token)).closed).code).toBe(unauthenticated);
    }
    const ticket = await ticketOf(ann);
    expect(await call(parley.url, 'GET', 'auth/me', { token: ticket })).toMatchObject({ status: 401 });
    const refreshed = await call(parley.url, 'POST', 'auth/refresh', { body: { refreshToken: ticket } });
    expect(refreshed.status).toBe(401);
  });
});

// Last: it ends the sessions of everybody.
describe('when everybody’s sessions are revoked', () => {
  it('all sockets are closed, and nothing goes on', async () => {
    const { ann, sockets } = await newcomer();
    const { email, password } = ann;
    const { refreshToken } = (await logIn({ email, password })).body;
    await revokeAll();
    expect(await codesOf(sockets)).toEqual(loggedOut);
    expect(await ann.get('auth/me')).toMatchObject({ status: 401 });
    const refreshed = await call(parley.url, 'POST', 'auth/refresh', { body: { refreshToken } });
    expect(refreshed).toMatchObject({ status: 401, body: { code: 'session-ended' } });
    expect(await logIn({ email, password })).toMatchObject({ status: 200 });
  });
});

/** By the command line, in a process of its own. */
async function revokeAll(): Promise<void> {
  const environment = { ...process.env, NODE_ENV: 'test', PARLEY_DATA_DIR: parley.dataDirectory, LOG_LEVEL: 'warn' };
  const revoking = execFile(process.execPath, [program, 'sessions', 'revoke', '--all'], { env: environment });
  const { stderr, exitCode } = await ended(revoking);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
}
