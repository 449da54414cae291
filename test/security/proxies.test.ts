import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { ClientForwarding } from '../../src/client-forwarding.js';
import { parseConfig } from '../../src/config.js';
import { startParley } from '../../src/main.js';
import { Proxies } from '../../src/proxies.js';
import { call, TestPerson } from '../fixtures/api-client.js';
import { startTestParley, type TestParley } from '../fixtures/parley.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';

describe('the address of a client', () => {
  const remote = '192.0.2.1';
  const addressBehind = (trustedProxyHops: number, forwarded?: string, from = remote) =>
    new Proxies({ trustedProxyHops, tls: 'off' }).address(from, { 'x-forwarded-for': forwarded });

  it.each([['198.51.100.7'], ['198.51.100.7, 192.0.2.1'], ['127.0.0.1'], ['nonsense']])(
    'is that of the connection, whatever is said, where no proxy is trusted: %s',
    (forwarded) => {
      expect(addressBehind(0, forwarded)).toBe(remote);
    },
  );

  it.each<[number, string | undefined, string]>([
    [1, undefined, remote],
    [1, '198.51.100.7', '198.51.100.7'],
    [1, '203.0.113.9, 198.51.100.7', '198.51.100.7'],
    [1, '127.0.0.1,::1,10.0.0.1 , 198.51.100.7', '198.51.100.7'],
    [2, '203.0.113.9, 198.51.100.7, 10.0.0.2', '198.51.100.7'],
    [2, '198.51.100.7', '198.51.100.7'],
    [3, '198.51.100.7, 10.0.0.2', '198.51.100.7'],
    [1, 'nonsense', remote],
    [1, '198.51.100.7, nonsense', remote],
    [1, '198.51.100.7, unknown', remote],
    [1, '198.51.100.7,', '198.51.100.7'],
    [1, '010.0.0.1', remote],
    [2, '203.0.113.9, nonsense, 10.0.0.2', '10.0.0.2'],
    [1, '198.51.100.7:4711', '198.51.100.7'],
    [1, '[2001:db8::7]:4711', '2001:db8::7'],
    [1, '[2001:db8::7]', '2001:db8::7'],
  ])('behind %i trusted proxies that say %j is %s', (hops, forwarded, address) => {
    expect(addressBehind(hops, forwarded)).toBe(address);
  });

  it.each([
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:0201', '192.0.2.1'],
    ['0000:0000:0000:0000:0000:ffff:c000:0201', '192.0.2.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::1', '::1'],
    ['', ''],
  ])('is spelled in one way: %j', (from, address) => {
    expect(addressBehind(0, undefined, from)).toBe(address);
  });
});

describe('the address of a socket that the api forwards', () => {
  const forwarding = new ClientForwarding();

  it('is taken from its own process alone', () => {
    expect(forwarding.addressIn(forwarding.headerFor('198.51.100.7'))).toBe('198.51.100.7');
    expect(forwarding.addressIn(new ClientForwarding().headerFor('198.51.100.7'))).toBeUndefined();
    expect(forwarding.addressIn({})).toBeUndefined();
  });

  it.each([['198.51.100.7'], [' 198.51.100.7'], ['é'.repeat(43)], [`${'A'.repeat(43)} 198.51.100.7`], ['']])(
    'is not believed without its secret: %j',
    (told) => {
      expect(forwarding.addressIn({ 'parley-forwarded-client': told })).toBeUndefined();
    },
  );
});

describe('where TLS ends before the process', () => {
  let parley: TestParley;
  let ann: TestPerson;
  const https = { 'x-forwarded-proto': 'https' };
  const http = { 'x-forwarded-proto': 'http', host: 'talk.example.org' };
  beforeAll(async () => {
    parley = await startTestParley({ PARLEY_TLS: 'proxy', PARLEY_TRUSTED_PROXY_HOPS: 1 });
    ann = await TestPerson.register(parley.url, 'Ann', https);
  });
  afterAll(() => parley.close());

  const get = (path: string, headers: Record<string, string>) =>
    fetch(`${parley.url}${path}`, {
      headers: { authorization: `Bearer ${ann.token}`, ...headers },
      redirect: 'manual',
    });

  it('serves what came over it, and tells browsers to come so from now on', async () => {
    const answer = await get('/api/v1/auth/me', https);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('strict-transport-security')).toMatch(/^max-age=\d{8}/);
    expect(answer.headers.get('content-security-policy')).toContain('upgrade-insecure-requests');
  });

  it('sends to HTTPS who reads over plain HTTP', async () => {
    const { hostname, port } = new URL(parley.url);
    const answer = await get('/api/auth/me?a=b&c=%2F', { 'x-forwarded-proto': 'http' });
    expect(answer.status).toBe(308);
    expect(answer.headers.get('location')).toBe(`https://${hostname}:${port}/api/auth/me?a=b&c=%2F`);
  });

  it('sends to the host that the proxy was asked for', async () => {
    const answer = await get('/docs', { 'x-forwarded-proto': 'http', 'x-forwarded-host': 'talk.example.org' });
    expect(answer.headers.get('location')).toBe('https://talk.example.org/docs');
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('refuses %s over plain HTTP', async (method) => {
    const answer = await call(parley.url, method, 'rooms', { token: ann.token, headers: http });
    expect(answer).toMatchObject({ status: 403, body: { code: 'https-required' } });
  });

  it('refuses what no proxy vouches for', async () => {
    const answer = await call(parley.url, 'GET', 'auth/me', { token: ann.token });
    expect(answer).toMatchObject({ status: 403, body: { code: 'https-required', detail: expect.any(String) } });
  });

  it('believes the proxy before the client', async () => {
    const answer = await call(parley.url, 'POST', 'rooms', {
      token: ann.token,
      headers: { 'x-forwarded-proto': 'https, http' },
    });
    expect(answer.status).toBe(403);
  });

  it.each(['/health', '/health/live', '/health/ready', '/metrics'])('answers load balancers at %s', async (path) => {
    expect((await fetch(`${parley.url}${path}`, { redirect: 'manual' })).status).toBe(200);
  });

  it.each(['/healthy', '/api/v1/auth/me?/health', '/api/v1/health'])('but nothing like it: %s', async (path) => {
    expect((await fetch(`${parley.url}${path}`, { redirect: 'manual' })).status).toBe(403);
  });

  describe.each([
    ["the api's port", () => parley.url],
    ["the edge's port", () => parley.edgeUrl],
  ])('and sockets on %s', (_where, url) => {
    const open = (headers: Record<string, string>) =>
      new Promise<string>((resolve) => {
        const socket = new WebSocket(`${url().replace('http', 'ws')}/api/v1/socket`, {
          headers: { authorization: `Bearer ${ann.token}`, ...headers },
        });
        socket.once('message', (data) => {
          resolve(JSON.parse(String(data)).op);
          socket.close();
        });
        socket.once('unexpected-response', (_request, { statusCode }) => resolve(String(statusCode)));
        socket.once('error', () => {});
      });

    it('opens them over TLS', async () => {
      expect(await open(https)).toBe('authenticated');
      expect(await open({ 'x-forwarded-proto': 'wss' })).toBe('authenticated');
    });

    it('refuses them over plain HTTP', async () => {
      expect(await open({ 'x-forwarded-proto': 'http' })).toBe('403');
      expect(await open({})).toBe('403');
    });
  });

  it('takes commands of its own pages under the cookie, by the origin that their browsers see', async () => {
    const { email, password } = ann;
    const login = await call(parley.url, 'POST', 'auth/login', { body: { email, password }, headers: https });
    const cookie = String(login.headers.getSetCookie()[0]).split(';')[0] as string;
    const from = (origin: string) =>
      call(parley.url, 'POST', 'rooms', {
        headers: { ...https, cookie, origin, 'x-forwarded-host': 'talk.example.org' },
      });
    expect(await from('https://talk.example.org')).toMatchObject({ status: 201 });
    expect(await from('http://talk.example.org')).toMatchObject({ status: 403 });
    expect(await from('https://talk.example.com')).toMatchObject({ status: 403 });
  });
});

describe('where nothing is told of TLS', () => {
  it('believes no forwarded header, and asks for nothing', async () => {
    const parley = await startTestParley();
    try {
      const answer = await call(parley.url, 'GET', '/api/v1/auth/me', { headers: { 'x-forwarded-proto': 'http' } });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('strict-transport-security')).toBeNull();
    } finally {
      await parley.close();
    }
  });

  it.each([
    ['production', 'off', 1],
    ['production', 'proxy', 0],
    ['development', 'off', 0],
  ])('warns at the start: in %s with TLS %s, %i times', async (environment, tls, times) => {
    const logger = pino({ level: 'silent' });
    const warn = vi.spyOn(logger, 'warn');
    const config = parseConfig({
      NODE_ENV: environment,
      PORT: 0,
      PARLEY_EDGE_PORT: 0,
      PARLEY_DATA_DIR: await temporaryDirectory(),
      PARLEY_ROLES: 'projector',
      PARLEY_BCRYPT_COST: 10,
      JWT_SECRET: crypto.randomUUID() + crypto.randomUUID(),
      PARLEY_MASTER_KEY: Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64'),
      PARLEY_TLS: tls,
      PARLEY_TRUSTED_PROXY_HOPS: 1,
    });
    const parley = await startParley(config, { logger });
    await parley.close();
    expect(warn.mock.calls.filter(([line]) => String(line).includes('PARLEY_TLS'))).toHaveLength(times);
  });
});

describe('the settings', () => {
  it.each([
    [{ PARLEY_TLS: 'proxy' }, /^PARLEY_TRUSTED_PROXY_HOPS: must be at least 1/],
    [{ PARLEY_TLS: 'on' }, /^PARLEY_TLS: /],
    [{ PARLEY_TRUSTED_PROXY_HOPS: '-1' }, /^PARLEY_TRUSTED_PROXY_HOPS: /],
    [{ PARLEY_COOKIE_SAMESITE: 'none' }, /^PARLEY_COOKIE_SAMESITE: none needs PARLEY_COOKIE_SECURE/],
    [{ PARLEY_COOKIE_SAMESITE: 'none', PARLEY_COOKIE_SECURE: 'false' }, /^PARLEY_COOKIE_SAMESITE: /],
    [{ PARLEY_COOKIE_SECURE: 'perhaps' }, /^PARLEY_COOKIE_SECURE: must be true or false/],
  ])('that contradict each other are refused: %j', (values, fault) => {
    expect(() => parseConfig(values)).toThrow(fault);
  });
});
