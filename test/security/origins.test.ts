import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.js';
import { mayCall } from '../../src/origins.js';
import { rateLimitHeaderNames } from '../../src/rate-limits.js';
import { call, TestPerson } from '../fixtures/api-client.js';
import { startTestParley, type TestParley } from '../fixtures/parley.js';

const frontend = 'https://talk.example.org';

/** Each like one that may call, and none of them. */
const tricks = [
  'null',
  '*',
  'https://evil.example',
  'http://talk.example.org',
  'https://talk.example.org:443',
  'https://talk.example.org:8443',
  'https://talk.example.org/',
  'https://TALK.example.org',
  'https://talk.example.org.evil.example',
  'https://talk.example.orgevil.example',
  'https://eviltalk.example.org',
  'https://evil.example/https://talk.example.org',
  'https://evil.example#https://talk.example.org',
  'https://talk.example.org@evil.example',
  'https://talk.example.org,https://evil.example',
  'http://localhost.evil.example',
  'http://localhost:5173.evil.example',
  'http://localhost@evil.example',
  'http://127.0.0.1.evil.example',
  'http://127.0.0.2',
  'http://evil-localhost',
  'ftp://localhost',
];

describe('an origin', () => {
  const origins = [frontend, 'https://app.example.com:8443'];

  it.each(origins)('may call where it is named: %s', (origin) => {
    for (const environment of ['production', 'development', 'test'] as const) {
      expect(mayCall({ environment, origins }, origin)).toBe(true);
    }
  });

  it.each([
    'http://localhost',
    'http://localhost:5173',
    'https://localhost:5173',
    'http://127.0.0.1:8080',
    'http://[::1]:80',
  ])('of this machine may call unless in production: %s', (origin) => {
    expect(mayCall({ environment: 'development', origins }, origin)).toBe(true);
    expect(mayCall({ environment: 'production', origins }, origin)).toBe(false);
  });

  it.each([...tricks, '', 'http://localhost\n', ' http://localhost'])(
    'may not call that is only like it: %j',
    (origin) => {
      for (const environment of ['production', 'development', 'test'] as const) {
        expect(mayCall({ environment, origins }, origin)).toBe(false);
      }
    },
  );

  it.each([
    '*',
    'null',
    'https://talk.example.org/',
    'https://*.example.org',
    'talk.example.org',
    'https://TALK.example.org',
  ])('must be named exactly in FRONTEND_URL: %s', (origin) => {
    expect(() => parseConfig({ FRONTEND_URL: origin })).toThrow(/^FRONTEND_URL: must be origins/);
  });
});

describe('answers to pages', () => {
  let parley: TestParley;
  let ann: TestPerson;
  beforeAll(async () => {
    parley = await startTestParley({ FRONTEND_URL: frontend });
    ann = await TestPerson.register(parley.url, 'Ann');
  });
  afterAll(() => parley.close());

  const preflight = (origin: string, method = 'PATCH') =>
    call(parley.url, 'OPTIONS', 'users/me', { headers: { origin, 'access-control-request-method': method } });
  const granted = (headers: Headers) =>
    [...headers].filter(([name]) => name.startsWith('access-control-')).map(([name]) => name);

  it('let those that may call read them, with credentials and all of our headers', async () => {
    const { headers } = await ann.get('auth/me', { origin: frontend });
    expect(headers.get('access-control-allow-origin')).toBe(frontend);
    expect(headers.get('access-control-allow-credentials')).toBe('true');
    const exposed = headers.get('access-control-expose-headers')?.toLowerCase().split(', ');
    expect(exposed).toEqual(
      expect.arrayContaining(['etag', 'parley-position', 'parley-stale', 'retry-after', ...rateLimitHeaderNames]),
    );
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      const answer = await preflight(frontend, method);
      expect(answer.status).toBe(204);
      expect(answer.headers.get('access-control-allow-methods')).toContain(method);
    }
  });

  it('let those read refusals, too', async () => {
    const { status, headers } = await call(parley.url, 'GET', 'auth/me', { headers: { origin: frontend } });
    expect(status).toBe(401);
    expect(headers.get('access-control-allow-origin')).toBe(frontend);
  });

  it.each(tricks)('grant nothing to others: %s', async (origin) => {
    for (const { headers } of [await ann.get('auth/me', { origin }), await preflight(origin)]) {
      expect(granted(headers)).toEqual([]);
    }
  });

  it('are kept apart by caches, whoever asks', async () => {
    for (const headers of [{}, { origin: frontend }, { origin: 'https://evil.example' }]) {
      expect((await ann.get('auth/me', headers)).headers.get('vary')).toContain('Origin');
    }
  });
});
