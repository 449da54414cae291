import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { declaredRoutes } from '../../src/api/route.js';
import { call, TestPerson } from '../fixtures/api-client.js';
import { startTestParley, type TestParley } from '../fixtures/parley.js';

const frontend = 'https://talk.example.org';

let parley: TestParley;
let ann: TestPerson;
let cookie: string;
let own: string;
beforeAll(async () => {
  // In production, so that pages of this machine are as foreign as any.
  parley = await startTestParley({
    NODE_ENV: 'production',
    PARLEY_BCRYPT_COST: 10,
    JWT_SECRET: crypto.randomUUID() + crypto.randomUUID(),
    PARLEY_MASTER_KEY: Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64'),
    FRONTEND_URL: frontend,
  });
  ann = await TestPerson.register(parley.url, 'Ann');
  const { email, password } = ann;
  const login = await call(parley.url, 'POST', 'auth/login', { body: { email, password } });
  cookie = String(login.headers.getSetCookie()[0]).split(';')[0] as string;
  own = new URL(parley.url).origin;
});
afterAll(() => parley.close());

/** What a browser says of where a request comes from; `fetch` would write `Sec-Fetch-…` itself. */
interface Told {
  readonly origin?: string | undefined;
  readonly site?: string | undefined;
}

/** @returns the status and, of a refusal, the code */
function send(method: string, path: string, told: Told, over: Record<string, string> = {}, body?: string) {
  const { hostname, port } = new URL(parley.url);
  return new Promise<string>((resolve, reject) => {
    const sending = request(
      {
        hostname,
        port,
        method,
        path: `/api/v1/${path}`,
        headers: {
          ...(told.origin !== undefined && { origin: told.origin }),
          ...(told.site !== undefined && { 'sec-fetch-site': told.site }),
          ...(body !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
          ...over,
        },
      },
      (response) => {
        let text = '';
        response.on('data', (data) => {
          text += data;
        });
        response.on('end', () => {
          const { code } = text.startsWith('{') ? JSON.parse(text) : {};
          resolve([response.statusCode, code].filter(Boolean).join(' '));
        });
      },
    );
    sending.on('error', reject);
    sending.end(body);
  });
}

const createRoom = (told: Told) => send('POST', 'rooms', told, { cookie });

const foreignOrigins = [
  'https://evil.example',
  'null',
  '',
  'http://talk.example.org',
  'https://talk.example.org:8443',
  'https://talk.example.org.evil.example',
  'https://eviltalk.example.org',
  'https://talk.example.org@evil.example',
  'https://TALK.example.org',
  'https://talk.example.org/',
  'https://talk.example.org, https://evil.example',
  'http://localhost:5173',
  '*',
];

describe('a command that comes with the cookie', () => {
  it.each<[string, Told]>([
    ['of what is no browser', {}],
    ['of an own page', { site: 'same-origin' }],
    ['that the user has caused', { site: 'none' }],
    ['of a page named in FRONTEND_URL, on another site', { site: 'cross-site', origin: frontend }],
    ['of a page named in FRONTEND_URL, on the same site', { site: 'same-site', origin: frontend }],
    ['of such a page, in a browser that does not tell the site', { origin: frontend }],
  ])('is taken: one %s', async (_what, told) => {
    expect(await createRoom(told)).toBe('201');
  });

  it('is taken of a page of this very origin', async () => {
    expect(await createRoom({ origin: own })).toBe('201');
    expect(await createRoom({ origin: own, site: 'same-origin' })).toBe('201');
  });

  it.each([['same-site'], ['cross-site'], ['nonsense'], [''], ['none, cross-site']])(
    'is refused where the browser says %j and no origin',
    async (site) => {
      expect(await createRoom({ site })).toBe('403 cross-site-request');
    },
  );

  it.each([['same-site'], ['cross-site']])('is refused where it says %s of an own page', async (site) => {
    expect(await createRoom({ site, origin: own })).toBe('403 cross-site-request');
  });

  it.each(foreignOrigins)('is refused of a page of %j, whatever the browser says of its site', async (origin) => {
    for (const site of [undefined, 'same-origin', 'none', 'same-site', 'cross-site']) {
      expect(await createRoom({ origin, site })).toBe('403 cross-site-request');
    }
  });

  it.each([
    ['another port', (origin: string) => `${origin}0`],
    ['another scheme', (origin: string) => origin.replace('http:', 'https:')],
  ])('is refused of a page of this host on %s', async (_what, change) => {
    expect(await createRoom({ origin: change(own) })).toBe('403 cross-site-request');
  });

  it('is refused whatever its method changes', async () => {
    const person = `channels/${crypto.randomUUID()}/members/${ann.id}`;
    expect(await send('DELETE', person, { site: 'cross-site' }, { cookie })).toBe('403 cross-site-request');
  });

  it('leaves nothing behind when it is refused', async () => {
    const body = JSON.stringify({
      title: 'Refused',
      startTime: '2100-01-01T10:00:00Z',
      endTime: '2100-01-01T11:00:00Z',
    });
    expect(await send('POST', 'meetings', { site: 'cross-site' }, { cookie }, body)).toBe('403 cross-site-request');
    expect(JSON.stringify((await ann.get('meetings')).body)).not.toContain('Refused');
  });
});

describe('every route', () => {
  it('that does anything under the cookie, or sets it, refuses pages of other origins before all else', async () => {
    const { body } = await call(parley.url, 'GET', 'openapi.json');
    // biome-ignore lint/suspicious/noExplicitAny: OpenAPI, as it comes
    const guarded = Object.entries<any>(body.paths).flatMap(([path, methods]) =>
      // biome-ignore lint/suspicious/noExplicitAny: OpenAPI, as it comes
      Object.entries<any>(methods)
        .filter(([, { responses }]) => responses[403]?.description.includes('cross-site-request'))
        .map(([method]) => [
          method.toUpperCase(),
          path.replace('/api/v1/', '').replaceAll(/\{\w+\}/g, crypto.randomUUID()),
        ]),
    ) as [string, string][];
    expect(guarded).toHaveLength(
      declaredRoutes.filter(
        ({ options: { method, auth, setsCookie } }) => setsCookie || (auth === 'person' && method !== 'GET'),
      ).length,
    );
    for (const [method, path] of guarded) {
      for (const told of [{ site: 'cross-site' }, { origin: 'https://evil.example' }, { origin: 'null' }]) {
        const answered = await send(method, path, told, { cookie });
        expect(`${method} ${path}: ${answered}`).toBe(`${method} ${path}: 403 cross-site-request`);
      }
    }
  });
});

describe('a command that comes with an access token', () => {
  it('is taken of any page: no browser adds it by itself', async () => {
    const headers = { authorization: `Bearer ${ann.token}` };
    expect(await send('POST', 'rooms', { site: 'cross-site', origin: 'https://evil.example' }, headers)).toBe('201');
  });
});

describe('a query that comes with the cookie', () => {
  it('is answered, since it changes nothing, but no other page may read it', async () => {
    expect(await send('GET', 'auth/me', { site: 'cross-site' }, { cookie })).toBe('200');
    const answer = await call(parley.url, 'GET', 'auth/me', { headers: { cookie, origin: 'https://evil.example' } });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('a login, whose answer sets a cookie', () => {
  const login = (told: Told, over: Record<string, string> = {}) =>
    send('POST', 'auth/login', told, over, JSON.stringify({ email: ann.email, password: ann.password }));

  it('is taken of what is no browser, of own pages, and of those named in FRONTEND_URL', async () => {
    expect(await login({})).toBe('200');
    expect(await login({ site: 'same-origin', origin: own })).toBe('200');
    expect(await login({ site: 'cross-site', origin: frontend })).toBe('200');
  });

  it.each(['https://evil.example', 'null'])(
    'is refused of a page of %s: it would log others in as its own',
    async (origin) => {
      expect(await login({ site: 'cross-site', origin })).toBe('403 cross-site-request');
      expect(await login({ origin })).toBe('403 cross-site-request');
    },
  );

  it('is refused of a page that tells no origin', async () => {
    expect(await login({ site: 'cross-site' })).toBe('403 cross-site-request');
  });

  it('is refused so to registrations, too', async () => {
    const body = JSON.stringify({ email: 'eve@example.org', name: 'Eve', password: 'correct horse' });
    expect(await send('POST', 'auth/register', { site: 'cross-site' }, {}, body)).toBe('403 cross-site-request');
  });
});

describe('a body', () => {
  const body = '{"name":"Room"}';

  it.each([
    ['text/plain'],
    ['application/x-www-form-urlencoded'],
    ['multipart/form-data; boundary=x'],
    ['text/plain; application/json'],
    ['text/plain;charset=application/json'],
    ['application/json-patch+json'],
    ['application/jsonp'],
    ['application/x-json'],
    ['json'],
    ['nonsense'],
    [' '],
  ])('is refused unless its type is JSON: %j', async (type) => {
    expect(await send('POST', 'rooms', {}, { cookie, 'content-type': type }, body)).toBe('415 unsupported-media-type');
  });

  it('is refused without a type', async () => {
    expect(await sendUntyped(body)).toBe('415 unsupported-media-type');
  });

  it.each([['application/json'], ['application/json; charset=utf-8'], ['Application/JSON']])(
    'is taken as %s',
    async (type) => {
      expect(await send('POST', 'rooms', {}, { cookie, 'content-type': type }, body)).toBe('201');
    },
  );

  function sendUntyped(text: string): Promise<string> {
    const { hostname, port } = new URL(parley.url);
    return new Promise((resolve, reject) => {
      const sending = request(
        {
          hostname,
          port,
          method: 'POST',
          path: '/api/v1/rooms',
          headers: { cookie, 'content-length': Buffer.byteLength(text) },
        },
        (response) => {
          let answer = '';
          response.on('data', (data) => {
            answer += data;
          });
          response.on('end', () => resolve(`${response.statusCode} ${JSON.parse(answer).code}`));
        },
      );
      sending.on('error', reject);
      sending.end(text);
    });
  }
});
