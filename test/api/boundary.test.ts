import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Health } from '../../src/health.js';
import { problemCodes, problemSchema } from '../../src/problems.js';
import { type CallOptions, call, TestPerson } from '../fixtures/api-client.js';
import { startTestParley, type TestParley } from '../fixtures/parley.js';

let parley: TestParley;
let ann: TestPerson;
beforeAll(async () => {
  parley = await startTestParley({ FRONTEND_URL: 'https://talk.example.org' });
  ann = await TestPerson.register(parley.url, 'Ann');
});
afterAll(() => parley.close());

const json = { 'content-type': 'application/json' };

describe('every refusal', () => {
  it.each<[string, string, string, number, string, CallOptions?]>([
    ['an unknown route', 'GET', 'nowhere', 404, 'unknown-route'],
    ['an unknown route outside the API', 'GET', '/nowhere', 404, 'unknown-route'],
    ['another method', 'PUT', 'rooms', 404, 'unknown-route'],
    ['a URL that is none', 'GET', '/api/v1/meetings/%ff', 400, 'bad-request'],
    ['JSON that is none', 'POST', 'rooms', 400, 'malformed-json', { raw: '{"name":' }],
    ['__proto__', 'POST', 'rooms', 400, 'malformed-json', { raw: '{"__proto__":{"name":"x"}}' }],
    ['constructor.prototype', 'POST', 'rooms', 400, 'malformed-json', { raw: '{"constructor":{"prototype":{}}}' }],
    ['an array', 'POST', 'rooms', 400, 'invalid-input', { raw: '[]' }],
    ['null', 'POST', 'rooms', 400, 'invalid-input', { raw: 'null' }],
    ['text', 'POST', 'rooms', 415, 'unsupported-media-type', { raw: '{}', headers: { 'content-type': 'text/plain' } }],
    [
      'a form',
      'POST',
      'rooms',
      415,
      'unsupported-media-type',
      { raw: 'name=x', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    ],
    ['256 KiB and a byte', 'POST', 'rooms', 413, 'body-too-large', { raw: `"${'a'.repeat(256 * 1024 - 1)}"` }],
    ['a form of answer', 'GET', 'meetings', 406, 'not-acceptable', { headers: { accept: 'text/csv' } }],
    ['a position that is none', 'GET', 'meetings', 400, 'bad-request', { headers: { 'parley-position': 'here' } }],
  ])('is a problem with a code: %s', async (_what, method, path, status, code, options) => {
    const answer = await call(parley.url, method, path, { token: ann.token, ...options });
    expect({ status: answer.status, code: answer.body.code }).toEqual({ status, code });
    expect(problemSchema.strict().parse(answer.body)).toMatchObject({ status, error: answer.body.title });
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  });

  it('is a problem even where the request is not HTTP', async () => {
    const answer = await sendRaw('nonsense\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('application/problem+json');
  });

  it('has its code told where its type points', async () => {
    const { body } = await call(parley.url, 'GET', '/api/v1/problems');
    expect(body.items.map(({ code }: { code: string }) => code)).toEqual(problemCodes);
  });

  it('leaves nothing behind', async () => {
    const before = await ann.get('meetings');
    await call(parley.url, 'POST', 'meetings', { token: ann.token, raw: '{"title":' });
    await ann.post('meetings', { title: 'x', startTime: 'tomorrow', endTime: 'later' });
    expect((await ann.get('meetings')).body).toEqual(before.body);
    expect((await call(parley.url, 'GET', '/health')).body.status).toBe('ok');
  });

  it('names who must be logged in before it looks at anything else', async () => {
    const answer = await call(parley.url, 'POST', 'meetings', { body: { nonsense: true } });
    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
  });
});

function sendRaw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(new URL(parley.url).port), '127.0.0.1', () => socket.write(text));
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

describe('every route', () => {
  it('is there without its version, too', async () => {
    const answer = await call(parley.url, 'GET', '/api/auth/me', { token: ann.token });
    expect(answer).toMatchObject({ status: 200, body: { id: ann.id } });
  });

  it('takes a command without a body, whatever its type is said to be', async () => {
    const answer = await call(parley.url, 'POST', 'rooms', { token: ann.token, raw: '', headers: json });
    expect(answer.status).toBe(201);
  });

  it('sends the headers that keep browsers safe', async () => {
    const { headers } = await ann.get('auth/me');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-powered-by')).toBeNull();
  });
});

describe('pages of other origins', () => {
  const preflight = (url: string, origin: string) =>
    call(url, 'OPTIONS', 'rooms', {
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,idempotency-key',
      },
    });

  it.each([['https://talk.example.org'], ['http://localhost:5173'], ['http://127.0.0.1:8080']])(
    'may call outside production: %s',
    async (origin) => {
      const { status, headers } = await preflight(parley.url, origin);
      expect(status).toBe(204);
      expect(headers.get('access-control-allow-origin')).toBe(origin);
      expect(headers.get('access-control-allow-credentials')).toBe('true');
      expect(headers.get('access-control-allow-headers')).toContain('idempotency-key');
      const answer = await ann.get('auth/me', { origin });
      expect(answer.headers.get('access-control-expose-headers')).toContain('Parley-Position');
    },
  );

  it.each([
    ['https://evil.example'],
    ['null'],
    ['https://talk.example.org.evil.example'],
    ['http://localhost.evil.example'],
  ])('may not: %s', async (origin) => {
    const { headers } = await preflight(parley.url, origin);
    expect(headers.get('access-control-allow-origin')).toBeNull();
    expect((await ann.get('auth/me', { origin })).headers.get('access-control-allow-origin')).toBeNull();
  });

  it('may call in production only where they are named', async () => {
    const production = await startTestParley({
      NODE_ENV: 'production',
      PARLEY_BCRYPT_COST: 10,
      JWT_SECRET: crypto.randomUUID() + crypto.randomUUID(),
      PARLEY_MASTER_KEY: Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64'),
      FRONTEND_URL: 'https://talk.example.org',
    });
    try {
      const allowed = async (origin: string) =>
        (await preflight(production.url, origin)).headers.get('access-control-allow-origin');
      expect(await allowed('https://talk.example.org')).toBe('https://talk.example.org');
      expect(await allowed('http://localhost:5173')).toBeNull();
    } finally {
      await production.close();
    }
  });
});

describe('reading what one has written', () => {
  it('takes no header, for those who wrote it through this process', async () => {
    for (let number = 1; number <= 20; number += 1) {
      const { body } = await ann.post('rooms', { name: `Room ${number}` });
      const answer = await ann.get(`rooms/${body.id}`);
      expect(answer).toMatchObject({ status: 200, body: { name: `Room ${number}` } });
      expect(answer.headers.get('parley-stale')).toBeNull();
    }
  });

  it('is refused, to be tried again, where the position asked for is not reached in time', async () => {
    const answer = await ann.get('meetings', { 'parley-position': '999999999' });
    expect(answer).toMatchObject({ status: 503, body: { code: 'projection-behind' } });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  });
});

describe('who watches the process', () => {
  it.each([['/health'], ['/health/live'], ['/health/ready']])('is told at %s that all is well', async (path) => {
    expect(await call(parley.url, 'GET', path)).toMatchObject({ status: 200, body: { status: 'ok' } });
  });

  it('finds the figures at /metrics', async () => {
    await ann.post('rooms');
    await ann.post('rooms/0123456789abcdef/join');
    const { body } = await call(parley.url, 'GET', '/metrics');
    expect(body).toMatch(/parley_command_duration_seconds_count\{type="rooms.CreateRoom",outcome="accepted"\} \d+/);
    expect(body).toMatch(/parley_command_duration_seconds_count\{type="rooms.JoinRoom",outcome="not-found"\} 1/);
    expect(body).toMatch(/parley_projection_lag\{projection="rooms"\} \d+/);
    expect(body).toContain('parley_projections_stopped 0');
    expect(body).toContain('parley_edge_sockets 0');
    expect(body).toContain('nodejs_eventloop_lag_seconds');
  });
});

describe('the edge', () => {
  it.each([['/api/v1/socket'], ['/api/socket']])('is reached on the port of the API: %s', async (path) => {
    const socket = new WebSocket(`${parley.url.replace('http', 'ws')}${path}`, {
      headers: { authorization: `Bearer ${ann.token}`, origin: 'https://talk.example.org' },
    });
    const [message] = await once(socket, 'message');
    expect(JSON.parse(String(message))).toMatchObject({ op: 'authenticated', personId: ann.id });
    socket.close();
    await once(socket, 'close');
  });

  it('turns away pages of other origins there, too', async () => {
    const socket = new WebSocket(`${parley.url.replace('http', 'ws')}/api/v1/socket`, {
      headers: { authorization: `Bearer ${ann.token}`, origin: 'https://evil.example' },
    });
    const messages: unknown[] = [];
    socket.on('message', (message) => messages.push(message));
    socket.on('error', () => {});
    await once(socket, 'close');
    expect(messages).toEqual([]);
  });
});

describe('readiness', () => {
  it('ends with draining, and while a part says that something is wrong', () => {
    const health = new Health();
    let fault: string | undefined;
    health.watch('projections', () => fault);
    expect(health.faults()).toEqual({});
    fault = 'rooms has stopped';
    expect(health.faults()).toEqual({ projections: 'rooms has stopped' });
    fault = undefined;
    health.drain();
    expect(health.faults()).toEqual({ process: 'about to stop' });
  });
});
