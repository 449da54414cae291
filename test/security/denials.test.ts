import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { RawSocket } from '../edge/raw-socket.js';
import { call, TestPerson } from '../fixtures/api-client.js';
import { startTestParley, type TestParley } from '../fixtures/parley.js';

const root = { email: 'root@example.org', password: 'correct horse' };
const denied = 'access was denied';
/** From where those are denied who are. */
const address = '203.0.113.77';

let parley: TestParley;
let lines: string[] = [];
beforeAll(async () => {
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  const settings = {
    PARLEY_ADMIN_EMAIL: root.email,
    PARLEY_ADMIN_PASSWORD: root.password,
    PARLEY_TRUSTED_PROXY_HOPS: 1,
  };
  parley = await startTestParley(settings, logger);
});
afterAll(() => parley.close());
beforeEach(() => {
  lines = [];
});

const headers = { 'x-forwarded-for': address };
const get = (path: string, token?: string) => call(parley.url, 'GET', path, { token, headers });
const told = () => lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === denied);
const edgePort = () => Number(new URL(parley.edgeUrl).port);

it('who asks over HTTP for what they may not have is noted, but neither their address nor what they gave', async () => {
  const ann = await TestPerson.register(parley.url, 'Ann');
  expect(await get('auth/me?hint=queryseed', 'tokenseed')).toMatchObject({ status: 401 });
  expect(await get('users', ann.token)).toMatchObject({ status: 403 });
  expect(told()).toMatchObject([
    { method: 'GET', path: '/api/v1/auth/me', code: 'unauthenticated' },
    { method: 'GET', path: '/api/v1/users', code: 'forbidden' },
  ]);
  for (const given of [address, 'tokenseed', 'queryseed', ann.token, ann.email]) {
    expect(lines.join('')).not.toContain(given);
  }
});

it('who asks over a socket is noted, too', async () => {
  const origin = 'https://evil.example';
  await expect(RawSocket.open(edgePort(), { headers: { ...headers, origin } })).rejects.toThrow('403');
  const stranger = await RawSocket.open(edgePort(), { headers });
  stranger.send({ op: 'authenticate', token: 'tokenseed' });
  await stranger.closed;
  const [ann, bob] = [await TestPerson.register(parley.url, 'Ann'), await TestPerson.register(parley.url, 'Bob')];
  const { id: channelId } = (await ann.post('channels', { name: 'General' })).body;
  const socket = await RawSocket.as(edgePort(), bob.token);
  const input = { channelId, text: 'textseed' };
  socket.send({ op: 'command', id: '1', type: 'conversations.PostMessage', input });
  expect(await socket.next('error')).toMatchObject({ problem: { code: 'not-a-member' } });
  expect(told()).toMatchObject([
    { code: 'cross-site-request' },
    { op: 'authenticate', code: 'unauthenticated' },
    { op: 'command', code: 'not-a-member' },
  ]);
  for (const given of [address, 'tokenseed', 'textseed', bob.token]) expect(lines.join('')).not.toContain(given);
  socket.close();
});

it('who comes from an address that is denied is noted, by whichever way', async () => {
  const token = (await call(parley.url, 'POST', 'auth/login', { body: root })).body.accessToken;
  const body = { cidr: '203.0.113.0/24', action: 'deny' };
  expect(await call(parley.url, 'POST', 'address-rules', { token, body })).toMatchObject({ status: 201 });
  await vi.waitFor(async () => expect(await get('auth/me')).toMatchObject({ status: 403 }), { timeout: 60_000 });
  lines = [];
  await get('auth/me?hint=queryseed');
  await expect(RawSocket.open(edgePort(), { headers })).rejects.toThrow('403');
  expect(told()).toMatchObject([
    { method: 'GET', path: '/api/v1/auth/me', code: 'address-refused' },
    { code: 'address-refused' },
  ]);
  expect(lines.join('')).not.toMatch(/203\.0\.113|queryseed/);
});
